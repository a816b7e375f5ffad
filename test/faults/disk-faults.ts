/** F23–F26: torn, full, read-only and spoilt disks under the gateway's outbox. */
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, statSync, truncateSync } from 'node:fs'
import { open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Bench, openBench } from './bench.ts'
import { judge } from './judge.ts'
import { missingMosquitto } from './processes.ts'
import type { Scenario, Seen } from './scenario.ts'
import { fill, missingDisk, openSmallDisk, type SmallDisk } from './small-disk.ts'
import { until } from './until.ts'

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
    fault: 'disk full for 20 s, the cloud there and then gone',
    expect: 'live data flow on, readings wait in memory, nothing lost, recovers by itself',
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
    fault: 'disk read-only at the start, writable later',
    expect: 'runs from memory, told on page and in /metrics; moves to the disk by itself',
    missing: missingDisk,
    run: () =>
      runBadStart(
        (disk) => remount(disk, 'ro'),
        (disk) => remount(disk, 'rw'),
      ),
  },
  {
    id: 'F25b',
    fault: 'disk full at the very start, room later',
    expect: 'runs from memory, told on page and in /metrics; moves to the disk by itself',
    missing: missingDisk,
    run: () =>
      runBadStart(
        ({ folder }) => fill(join(folder, 'ballast')),
        ({ folder }) => rm(join(folder, 'ballast')),
      ),
  },
  {
    id: 'F25c',
    fault: 'every write fails (I/O error) under way, for 10 s',
    expect: 'goes on from memory, live data flow, back on disk by itself',
    missing: () =>
      existsSync('/usr/bin/prlimit') ? missingMosquitto() : 'apt-get install util-linux',
    run: runFailingWrites,
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

/** First with the cloud there, then with it gone: nothing stands still, nothing is lost. */
async function runFullDisk(): Promise<Seen> {
  await using disk = openSmallDisk(3)
  await using bench = await openBench({ dataDir: disk.folder })
  await bench.flows('before the fault')
  const ballast = join(disk.folder, 'ballast')
  await fill(ballast)
  await until('the disk is found full', async () => (await bench.metric('gw_disk_refuses')) === 1)
  await bench.flows('with the disk full')
  bench.proxy.set({ refuse: true })
  bench.proxy.reset()
  await sleep(15_000)
  const waiting = await bench.metric('gw_samples_waiting')
  const failed = waiting > 0 ? [] : ['nothing had to wait in memory: the disk was not full']
  await rm(ballast)
  bench.proxy.clear()
  return await settleDisk(bench, failed, `${waiting} waited in memory`)
}

async function settleDisk(bench: Bench, failed: string[], words: string): Promise<Seen> {
  const secondsToNormal = await bench.normal(Date.now())
  await until('the disk is used again', async () => (await bench.metric('gw_disk_refuses')) === 0)
  const { lost, duplicated, stored, inGaps, ...verdict } = await judge(bench)
  failed.push(...verdict.failed)
  const dropped = (await bench.status())?.outbox.dropped ?? 0
  if (dropped > 0) failed.push(`${dropped} dropped`)
  const said = `${words}, ${stored} stored, ${inGaps} in gaps`
  return { said, lost, duplicated, secondsToNormal, failed }
}

async function runFullAndSilent(): Promise<Seen> {
  await using disk = openSmallDisk(3)
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

/** A disk that nobody can write to when the gateway starts, in whatever way; `heal` mends it. */
async function runBadStart(
  spoil: (disk: SmallDisk) => Promise<void>,
  heal: (disk: SmallDisk) => Promise<void>,
): Promise<Seen> {
  await using disk = openSmallDisk(3)
  await using bench = await openBench({ dataDir: disk.folder, isGatewayLate: true })
  await spoil(disk)
  await bench.gateway.start()
  await bench.flows('from memory')
  bench.proxy.set({ refuse: true })
  bench.proxy.reset()
  await sleep(4000)
  const status = await bench.status()
  const failed = (status?.outbox.waiting ?? 0) > 0 ? [] : ['nothing waited in memory']
  if (!status?.outbox.refusal) failed.push('the page does not tell')
  if ((await bench.metric('gw_disk_refuses')) !== 1) failed.push('/metrics does not tell')
  await heal(disk)
  // Until then a kill would cost what waits in memory; afterwards nothing.
  await until('the disk is used', async () => (await bench.metric('gw_disk_refuses')) === 0)
  await bench.gateway.kill()
  await bench.gateway.start()
  bench.proxy.clear()
  return await settleDisk(bench, failed, status?.outbox.refusal?.slice(0, 100) ?? '')
}

async function remount(disk: SmallDisk, options: string): Promise<void> {
  const problem = disk.remount(options)
  if (problem !== undefined) throw new Error(problem)
}

/** The kernel refuses every write beyond byte 0 (EFBIG): to SQLite an I/O error like that of a dying card. */
async function runFailingWrites(): Promise<Seen> {
  await using bench = await openBench()
  await bench.flows('before the fault')
  const limit = (bytes: string) =>
    spawnSync('prlimit', ['--pid', String(bench.gateway.pid()), `--fsize=${bytes}`])
  limit('0:unlimited')
  await until('the disk is given up', async () => (await bench.metric('gw_disk_refuses')) === 1)
  await bench.flows('with the disk broken')
  bench.proxy.set({ refuse: true })
  bench.proxy.reset()
  await sleep(4000)
  const refusal = (await bench.status())?.outbox.refusal ?? ''
  limit('unlimited:unlimited')
  bench.proxy.clear()
  return await settleDisk(bench, [], refusal.slice(0, 100))
}
