/** How much of the wire's own limit our driver's block reads reach: against a bare loop of the same library that only sends the same requests. */

import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import ModbusRTU from 'modbus-serial'
import type { Tag } from '../../protocol/model.ts'
import { loadDriver } from '../drivers/registry.ts'
import { openModbusLoad } from './load.ts'
import { median, round } from './statistics.ts'

const TAGS = 1_000
const BLOCK = 125
const ROUNDS = 7
const ROUND_MS = 350
/** Requests under way in the measurement of the device itself. */
const PIPELINE = 8

export interface WireShare {
  /** Our requests a second over the bare loop's. */
  share: number
  oursPerS: number
  barePerS: number
}

/** `delayMs`: how long the device takes for each reply; 0 leaves only the processors to be measured. */
export async function measureWireShare(delayMs: number): Promise<WireShare> {
  await using load = await openModbusLoad(delayMs)
  const { port } = load.ready
  await using ours = await openOurs(port)
  await using bare = await openBare(port)
  const own: number[] = []
  const theirs: number[] = []
  const shares: number[] = []
  for (let index = 0; index <= ROUNDS; index++) {
    const rates = [await rateOf(ours.read), await rateOf(bare.read)] as const
    // The first one warms up the compiler.
    if (index === 0) continue
    own.push(rates[0])
    theirs.push(rates[1])
    shares.push(rates[0] / rates[1])
  }
  return {
    share: round(median(shares)),
    oursPerS: Math.round(median(own)),
    barePerS: Math.round(median(theirs)),
  }
}

/** Requests a second of something that makes as many in one call as the tags have blocks. */
async function rateOf(read: () => Promise<void>): Promise<number> {
  const from = performance.now()
  let requests = 0
  while (performance.now() - from < ROUND_MS) {
    await read()
    requests += TAGS / BLOCK
  }
  return (requests * 1000) / (performance.now() - from)
}

async function openOurs(port: number) {
  const { createDriver } = await loadDriver('modbus')
  const options = { transport: 'tcp', host: '127.0.0.1', port, unit: 1, timeoutMs: 2000 }
  const more = { byteOrder: 'ABCD', maxGap: 10, maxRegisters: BLOCK, maxBits: 2000 }
  const waits = { holeRetryMs: 5000, busyRetryMs: 100, turnaroundMs: 0 }
  const driver = createDriver(
    { ...options, ...more, ...waits },
    { device: 'd', stateDir: '/nowhere', baseDir: '.' },
  )
  const tags: Tag[] = Array.from({ length: TAGS }, (_, address) => ({
    id: `s/g/d/R${address}`,
    name: `R${address}`,
    type: 'UInt16',
    address: { table: 'holding', address },
  }))
  const never = new AbortController().signal
  const connection = await driver.connect(never)
  return {
    // As the gateway reads it.
    read: async () => void (await (connection.readColumns ?? connection.read)(tags, never)),
    [Symbol.asyncDispose]: () => connection[Symbol.asyncDispose](),
  }
}

async function openBare(port: number) {
  const client = new ModbusRTU.default()
  await client.connectTCP('127.0.0.1', { port })
  client.setID(1)
  return {
    async read() {
      for (let at = 0; at < TAGS; at += BLOCK) await client.readHoldingRegisters(at, BLOCK)
    },
    [Symbol.asyncDispose]: () => new Promise<void>((done) => client.close(() => done())),
  }
}

/** Requests a second the load device itself answers: bytes written in advance, replies only counted. */
export async function measureDeviceCeiling(port: number): Promise<number> {
  const socket = connect(port, '127.0.0.1').setNoDelay(true)
  await once(socket, 'connect')
  const request = Buffer.from([0, 1, 0, 0, 0, 6, 200, 3, 0, 125, 0, BLOCK])
  const replyBytes = 9 + BLOCK * 2
  let received = 0
  socket.on('data', (chunk) => {
    const before = Math.floor(received / replyBytes)
    received += chunk.length
    const answered = Math.floor(received / replyBytes) - before
    for (let index = 0; index < answered; index++) socket.write(request)
  })
  for (let index = 0; index < PIPELINE; index++) socket.write(request)
  const rates: number[] = []
  for (let index = 0; index <= ROUNDS; index++) {
    const [from, before] = [performance.now(), received]
    await sleep(ROUND_MS)
    rates.push(((received - before) / replyBytes) * (1000 / (performance.now() - from)))
  }
  socket.destroy()
  // The first one warms up the compiler.
  return Math.round(median(rates.slice(1)))
}
