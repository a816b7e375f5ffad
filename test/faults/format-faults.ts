/** F35: a gateway over the files of an older program, and over those of a newer one. */
import { cpSync, readdirSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { readCredentials } from '../../edge/credentials.ts'
import { FORMAT } from '../../edge/outbox/open-log-file.ts'
import type { TagId } from '../../protocol/model.ts'
import { type Bench, openBench } from './bench.ts'
import { judge } from './judge.ts'
import { missingMosquitto } from './processes.ts'
import type { Scenario, Seen } from './scenario.ts'
import { until } from './until.ts'

/** What a gateway of 2026-11-22 left behind: outbox with a backlog, credentials, used grants, the cut. */
const oldFiles = join(import.meta.dirname, 'gateway-format-0')
const oldTag: TagId = 'plant/gw1/old/Count'
const OLD_COUNT = 50

export const formatFaults: readonly Scenario[] = [
  {
    id: 'F35',
    fault: 'upgrade: the files of the program of 2026-11-22, with a backlog',
    expect: 'taken over: backlog delivered once, credentials read, remote access still cut',
    missing: missingMosquitto,
    run: runUpgrade,
  },
  {
    id: 'F35b',
    fault: 'downgrade with a backlog, later the newer program again',
    expect: 'told in words, set aside whole, data flow; the backlog comes back with the newer one',
    missing: missingMosquitto,
    run: runDowngrade,
  },
]

async function runUpgrade(): Promise<Seen> {
  await using bench = await openBench({
    isGatewayLate: true,
    outbox: { maxAgeHours: 1_000_000 },
  })
  cpSync(join(oldFiles, 'credentials'), join(bench.dir, 'credentials'), { recursive: true })
  cpSync(join(oldFiles, 'gateway'), bench.dataDir, { recursive: true })
  renameSync(join(bench.dataDir, 'grants.lines'), join(bench.dataDir, 'grants.json'))
  await bench.gateway.start()
  await bench.flows('over the old files')
  await until('the backlog is delivered', () => readOld(bench).length >= OLD_COUNT)
  const values = readOld(bench)
  const failed = values.every((value, i) => value === i + 1) ? [] : [`stored: ${values}`]
  const { grantKey } = await readCredentials(join(bench.dir, 'credentials'))
  if (grantKey.kty !== 'OKP') failed.push('the grant key was not read')
  const access = (await bench.status())?.remoteAccess
  if (access?.reason !== 'maintenance of the press') failed.push('remote access is not cut')
  return await finish(bench, failed, `${values.length} of ${OLD_COUNT} old readings delivered`)
}

function readOld({ store }: Bench): number[] {
  return store
    .samples(oldTag)
    .filter(({ quality }) => quality === 192)
    .map(({ value }) => Number(value))
}

async function runDowngrade(): Promise<Seen> {
  await using bench = await openBench({ gatewayEnv: { MIMAMORI_LOG: 'info' } })
  await bench.flows('before the downgrade')
  bench.proxy.set({ refuse: true })
  bench.proxy.reset()
  await sleep(3000)
  await bench.gateway.stop()
  setFormat(join(bench.dataDir, 'outbox.sqlite'), FORMAT + 1)
  bench.proxy.clear()
  await bench.gateway.start()
  await bench.flows('after the downgrade')
  const failed = bench.gateway.output().includes(`format ${FORMAT + 1}`) ? [] : ['no word was said']
  const [aside] = listAside(bench)
  if (aside === undefined) throw new Error('nothing was set aside')
  await bench.gateway.stop()
  // What the newer program sees in the file that was set aside: a format it knows.
  setFormat(join(bench.dataDir, aside), FORMAT)
  await bench.gateway.start()
  await bench.flows('after the upgrade')
  if (listAside(bench).length > 0) failed.push('it was not taken over')
  return await finish(bench, failed, `${aside} came back`)
}

function listAside({ dataDir }: Bench): string[] {
  return readdirSync(dataDir).filter((name) => /newer-\d+$/.test(name))
}

function setFormat(file: string, format: number): void {
  const database = new DatabaseSync(file)
  database.exec(`PRAGMA user_version = ${format}`)
  database.close()
}

async function finish(bench: Bench, failed: string[], words: string): Promise<Seen> {
  const secondsToNormal = await bench.normal(Date.now())
  const { lost, duplicated, stored, inGaps, ...verdict } = await judge(bench)
  failed.push(...verdict.failed)
  const said = `${words}, ${stored} stored, ${inGaps} in gaps`
  return { said, lost, duplicated, secondsToNormal, failed }
}
