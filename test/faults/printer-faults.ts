/** F21: a receipt printer with one connection that the till holds. */
import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { TagId } from '../../protocol/model.ts'
import { openPrinter } from '../../simulators/kit/escpos-printer.ts'
import { openBench } from './bench.ts'
import { describePlc } from './counting-plc.ts'
import { judge } from './judge.ts'
import { missingMosquitto } from './processes.ts'
import type { Scenario, Seen } from './scenario.ts'
import { until } from './until.ts'

const HELD_MS = 8000
const LINES = 40
const coverTag: TagId = 'plant/gw1/printer/CoverOpen'

export const printerFaults: readonly Scenario[] = [
  {
    id: 'F21',
    fault: 'the till holds the only connection of a printer for 8 s and prints',
    expect: 'status bad ("busy"), the till keeps its line, every line is printed, back by itself',
    missing: missingMosquitto,
    run: runBusyPrinter,
  },
]

async function runBusyPrinter(): Promise<Seen> {
  await using printer = await openPrinter({ singleConnection: true })
  const tags = [{ name: 'CoverOpen', type: 'Boolean', field: 'coverOpen' }]
  const groups = [{ name: 'status', intervalMs: 500, maxSilenceMs: 1000, tags }]
  const about = { driver: 'escpos', host: '127.0.0.1', port: printer.port, timeoutMs: 1000 }
  const device = { id: 'printer', ...about, groups }
  await using bench = await openBench({ devices: (plc) => [describePlc(plc), device] })
  const latest = () => bench.store.samples(coverTag).at(-1)
  await until('the printer is read', () => latest()?.quality === 192)
  const till = connect(printer.port, '127.0.0.1')
  let wasPutOut = false
  till.on('close', () => {
    wasPutOut = true
  })
  till.on('error', () => undefined)
  await once(till, 'connect')
  const linesBefore = printer.counters().lines
  for (let line = 0; line < LINES; line++) {
    till.write('an item\n')
    await sleep(HELD_MS / LINES)
  }
  const failed = wasPutOut ? ['the till lost its line'] : []
  const printed = printer.counters().lines - linesBefore
  if (printed !== LINES) failed.push(`${printed} of ${LINES} lines of the receipt printed`)
  if (latest()?.quality !== 0) failed.push('not told as bad')
  till.destroy()
  const endedAt = Date.now()
  await until('the printer is read again', () => latest()?.quality === 192)
  const secondsToNormal = (Date.now() - endedAt) / 1000
  const { lost, duplicated, ...verdict } = await judge(bench)
  failed.push(...verdict.failed)
  return { said: `read ${printer.connections()} times`, lost, duplicated, secondsToNormal, failed }
}
