/** F23–F26: torn, full, read-only and spoilt disks under the gateway's outbox. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, statSync, truncateSync } from 'node:fs'
import { open, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Bench, openBench } from './bench.ts'
import { judge } from './judge.ts'
import { missingMosquitto } from './processes.ts'
import type { Scenario, Seen } from './scenario.ts'
import { until } from './until.ts'

interface Disk extends AsyncDisposable {
  folder: string
  remount(options: string): string | undefined
}

/** Why there is no small disk here: it takes root and a kernel that mounts. */
function missingDisk(): string | undefined {
  if (missingMosquitto()) return missingMosquitto()
  const folder = mkdtempSync(join(tmpdir(), 'mimamori-mount-'))
  try {
    const problem = mount(['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', folder])
    if (problem === undefined) spawnSync('umount', [folder])
    return problem && `no tmpfs can be mounted here: ${problem}`
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function mount(args: readonly string[]): string | undefined {
  const { status, stderr, error } = spawnSync('mount', args, { encoding: 'utf8' })
  return status === 0 ? undefined : (error?.message ?? stderr.trim())
}

function openDisk(megabytes: number): Disk {
  const folder = mkdtempSync(join(tmpdir(), 'mimamori-disk-'))
  const problem = mount(['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', folder])
  if (problem !== undefined) throw new Error(problem)
  return {
    folder,
    remount: (options) => mount(['-o', `remount,${options}`, folder]),
    async [Symbol.asyncDispose]() {
      spawnSync('umount', ['--lazy', folder])
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** Fills the disk to the last byte. */
async function fill(file: string): Promise<void> {
  const handle = await open(file, 'w')
  try {
    for (const size of [65_536, 4096, 512, 1]) {
      const block = Buffer.alloc(size)
      while (await tryWrite(handle, block));
    }
  } finally {
    await handle.close()
  }
}

async function tryWrite(handle: Awaited<ReturnType<typeof open>>, block: Buffer) {
  try {
    return (await handle.write(block)).bytesWritten === block.length
  } catch {
    return false
  }
}

export const diskFaults: readonly Scenario[] = [
  {
    id: 'F23',
    fault: 'power cut: WAL torn, last page zeroed',
    expect: 'opens, loses the unsynced tail at most, inside a gap',
    run: () => runDamage('after a power cut', tearWal),
  },
  {
    id: 'F26',
    fault: 'outbox overwritten in its first pages',
    expect: 'set aside and kept, a new file, gap "corrupt", no crash loop',
    run: () => runDamage('after the damage', spoilFile, 'corrupt'),
  },
  {
    id: 'F24',
    fault: 'disk full for 20 s',
    expect: 'readings wait in memory, nothing lost, recovers by itself',
    missing: missingDisk,
    run: runFullDisk,
  },
  {
    id: 'F24b',
    fault: 'disk full and no device answers for 15 s',
    expect: 'the gateway goes on living',
    missing: missingDisk,
    run: runFullAndSilent,
  },
  {
    id: 'F25',
    fault: 'disk read-only at the start',
    expect: 'says so in words and does not start; starts when it is writable',
    missing: missingDisk,
    run: runReadOnlyStart,
  },
].map((scenario) => ({ missing: missingMosquitto, ...scenario }))

/** A backlog on disk, a kill, a damage; then the gateway starts again over what is left. */
async function runDamage(
  what: string,
  spoil: (bench: Bench) => Promise<void>,
  reason?: string,
): Promise<Seen> {
  await using bench = await openBench()
  await bench.flows('before the fault')
  bench.proxy.set({ refuse: true })
  bench.proxy.reset()
  await sleep(2500)
  await bench.gateway.kill()
  await spoil(bench)
  bench.proxy.clear()
  const endedAt = Date.now()
  await bench.gateway.start()
  const secondsToNormal = await bench.normal(endedAt)
  await bench.flows(what)
  const verdict = await judge(bench)
  const gaps = bench.store.gaps().map((gap) => gap.reason)
  const failed = [...verdict.failed]
  if (reason !== undefined && !gaps.includes(reason as 'corrupt')) failed.push(`no gap "${reason}"`)
  if (reason === 'corrupt' && !readdirSync(bench.dataDir).some((name) => name.includes('corrupt-')))
    failed.push('the spoilt file was not kept')
  const { lost, duplicated, stored, inGaps } = verdict
  const said = `${stored} stored, ${inGaps} in gaps (${gaps.join(', ')})`
  return { said, lost, duplicated, secondsToNormal, failed }
}

/** Cuts the end of the write-ahead log at no page's boundary and zeroes the page before. */
async function tearWal({ dataDir }: Bench): Promise<void> {
  const wal = join(dataDir, 'outbox.sqlite-wal')
  const size = statSync(wal).size
  truncateSync(wal, Math.max(0, size - 1500))
  const handle = await open(wal, 'r+')
  await handle.write(Buffer.alloc(1500), 0, 1500, Math.max(0, size - 6000))
  await handle.close()
}

/** Into the main file first: pages that wait in the log would heal it. */
async function spoilFile({ dataDir }: Bench): Promise<void> {
  const file = join(dataDir, 'outbox.sqlite')
  const database = new DatabaseSync(file)
  database.exec('PRAGMA wal_checkpoint(TRUNCATE)')
  database.close()
  const handle = await open(file, 'r+')
  const noise = Buffer.from(Array.from({ length: 12_000 }, (_, i) => (i * 7919) & 0xff))
  await handle.write(noise, 0, noise.length, 40)
  await handle.close()
}

async function runFullDisk(): Promise<Seen> {
  await using disk = openDisk(3)
  await using bench = await openBench({ dataDir: disk.folder })
  await bench.flows('before the fault')
  const ballast = join(disk.folder, 'ballast')
  bench.proxy.set({ refuse: true })
  bench.proxy.reset()
  await fill(ballast)
  await sleep(20_000)
  const waiting = await bench.metric('gw_samples_waiting')
  const failed = waiting > 0 ? [] : ['nothing had to wait in memory: the disk was not full']
  await rm(ballast)
  bench.proxy.clear()
  const secondsToNormal = await bench.normal(Date.now())
  const verdict = await judge(bench)
  failed.push(...verdict.failed)
  const { lost, duplicated, stored, inGaps } = verdict
  const said = `${waiting} waited in memory, ${stored} stored, ${inGaps} in gaps`
  return { said, lost, duplicated, secondsToNormal, failed }
}

async function runFullAndSilent(): Promise<Seen> {
  await using disk = openDisk(3)
  await using bench = await openBench({ dataDir: disk.folder })
  await bench.flows('before the fault')
  bench.plc.misbehave(() => 'silent')
  await sleep(2000)
  const ballast = join(disk.folder, 'ballast')
  await fill(ballast)
  await sleep(15_000)
  const failed = bench.gateway.pid() === undefined ? ['the gateway died'] : []
  await rm(ballast)
  bench.plc.misbehave(undefined)
  if (failed.length > 0) await bench.gateway.start()
  const secondsToNormal = await bench.normal(Date.now())
  const { lost, duplicated, stored, ...verdict } = await judge(bench)
  failed.push(...verdict.failed)
  return { said: `${stored} stored`, lost, duplicated, secondsToNormal, failed }
}

async function runReadOnlyStart(): Promise<Seen> {
  await using disk = openDisk(3)
  await using bench = await openBench({ dataDir: disk.folder, isGatewayLate: true })
  await writeFile(join(disk.folder, 'there'), '')
  const failed: string[] = []
  const problem = disk.remount('ro')
  if (problem !== undefined) throw new Error(problem)
  const refusal = await bench.gateway.start().then(
    () => 'started',
    (error: Error) => error.message,
  )
  await until('the gateway has ended', () => bench.gateway.pid() === undefined)
  if (!/outbox|read-?only/i.test(refusal)) failed.push(`it said: ${refusal}`)
  disk.remount('rw')
  const endedAt = Date.now()
  await bench.gateway.start()
  await bench.flows('after the disk is writable')
  const secondsToNormal = await bench.normal(endedAt)
  const { lost, duplicated, ...verdict } = await judge(bench)
  failed.push(...verdict.failed)
  const words = refusal.split('\n')[0]?.slice(0, 160) ?? ''
  return { said: words, lost, duplicated, secondsToNormal, failed }
}
