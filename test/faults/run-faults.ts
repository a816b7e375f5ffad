/** `npm run faults`: every fault that one machine can make, one row each; exit 1 when a row is not good. */
import { parseArgs } from 'node:util'
import { clockFaults } from './clock-faults.ts'
import { cutFaults } from './cut-sweep.ts'
import { deadDeviceFaults } from './dead-devices.ts'
import { diskFaults } from './disk-faults.ts'
import { edgeLinkFaults } from './edge-link-faults.ts'
import { formatFaults } from './format-faults.ts'
import { createHostFaults } from './host-faults.ts'
import { modbusFaults } from './modbus-faults.ts'
import { opcuaFaults } from './opcua-faults.ts'
import { packetFaults } from './packet-faults.ts'
import { chaosFaults } from './plant-chaos.ts'
import { printerFaults } from './printer-faults.ts'
import { runRandomChains } from './random-chain.ts'
import { soakAndReport } from './run-soak.ts'
import { type Row, runScenario, type Scenario } from './scenario.ts'
import { twinFaults } from './twin-faults.ts'

function listScenarios(kills: number): Scenario[] {
  const groups = [
    edgeLinkFaults,
    twinFaults,
    cutFaults,
    packetFaults,
    opcuaFaults,
    modbusFaults,
    deadDeviceFaults,
    printerFaults,
    diskFaults,
    createHostFaults(kills),
    clockFaults,
    formatFaults,
    chaosFaults,
  ]
  return groups.flat().sort((one, other) => one.id.localeCompare(other.id))
}

function formatRow({ id, fault, expect, ok, ...seen }: Row): string {
  const seconds = seen.secondsToNormal < 0 ? '-' : seen.secondsToNormal.toFixed(1)
  const numbers = [seen.lost, seen.duplicated, seconds].map((each) => String(each).padStart(7))
  const why = seen.failed.map((each) => `\n      !! ${each}`).join('')
  return `${ok ? 'ok  ' : 'FAIL'} ${id.padEnd(5)}${numbers.join('')}  ${fault}\n      expected: ${expect}\n      seen: ${seen.said}${why}`
}

interface Runs {
  chosen: readonly Scenario[]
  jobs: number
  report(text: string): void
}

/** As many at a time as told: most of a fault is waiting. */
async function runAll({ chosen, jobs, report }: Runs): Promise<{ rows: Row[]; skipped: string[] }> {
  const queue = [...chosen]
  const rows: Row[] = []
  const skipped: string[] = []
  const work = async () => {
    for (let next = queue.shift(); next; next = queue.shift()) {
      const missing = next.missing?.()
      if (missing !== undefined) {
        skipped.push(next.id)
        report(`skip ${next.id}  ${next.fault}: ${missing}`)
        continue
      }
      const row = await runScenario(next)
      rows.push(row)
      report(formatRow(row))
    }
  }
  await Promise.all(Array.from({ length: jobs }, work))
  rows.sort((one, other) => one.id.localeCompare(other.id))
  return { rows, skipped }
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      only: { type: 'string' },
      kills: { type: 'string', default: '20' },
      random: { type: 'string' },
      soak: { type: 'string' },
      seed: { type: 'string' },
      path: { type: 'string' },
      json: { type: 'boolean', default: false },
      jobs: { type: 'string', default: '2' },
    },
  })
  if (values.soak !== undefined) {
    process.exit(await soakAndReport(Number(values.soak), Number(values.seed ?? 1)))
  }
  if (values.random !== undefined) {
    const seed = values.seed === undefined ? undefined : Number(values.seed)
    await runRandomChains({ runs: Number(values.random), seed, path: values.path })
    console.log(`${values.random} random sequences: nothing lost, nothing doubled`)
    return
  }
  const only = values.only?.split(',')
  const chosen = listScenarios(Number(values.kills)).filter(
    ({ id }) => !only || only.some((name) => id.startsWith(name)),
  )
  // Stdout is for the rows alone, whatever a library has to say.
  if (values.json) Object.assign(console, { log: console.error, info: console.error })
  const report = (text: string) => console.log(text)
  report('          lost  twice seconds')
  const { rows, skipped } = await runAll({ chosen, jobs: Number(values.jobs), report })
  const bad = rows.filter(({ ok }) => !ok)
  report(`${rows.length - bad.length} of ${rows.length} good, ${skipped.length} skipped`)
  if (values.json) {
    const view = ({ id, ok, lost, duplicated, secondsToNormal }: Row) => {
      return { id, ok, lost, duplicated, secondsToNormal }
    }
    process.stdout.write(`${JSON.stringify({ rows: rows.map(view) })}\n`)
  }
  // What a fault left half open (that is its point) must not keep the command from ending.
  process.exit(bad.length > 0 ? 1 : 0)
}

if (import.meta.main) await main()
