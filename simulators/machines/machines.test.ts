/** The machines as they are met from outside: OPC UA, Modbus, ESC/POS and the web. */
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  AttributeIds,
  type ClientSession,
  type DataValue,
  MessageSecurityMode,
  OPCUACertificateManager,
  OPCUAClient,
  SecurityPolicy,
  TimestampsToReturn,
} from 'node-opcua'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { injectFault } from '../inject.ts'
import { encodeAdu } from '../kit/modbus-server.ts'
import { openChiller } from './chiller.ts'
import { openPos } from './pos.ts'
import { openPress } from './press.ts'
import { openPrinterMachine } from './printer.ts'

let folder: string
let pki: OPCUACertificateManager

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'machines-'))
  pki = new OPCUACertificateManager({
    rootFolder: join(folder, 'client'),
    automaticallyAcceptUnknownCertificate: true,
    disableFileWatchers: true,
  })
  await pki.initialize()
})
afterAll(async () => {
  await pki.dispose()
  await rm(folder, { recursive: true, force: true })
})

async function withSession<T>(endpoint: string, work: (session: ClientSession) => Promise<T>) {
  const client = OPCUAClient.create({
    clientCertificateManager: pki,
    securityMode: MessageSecurityMode.SignAndEncrypt,
    securityPolicy: SecurityPolicy.Basic256Sha256,
    endpointMustExist: false,
    connectionStrategy: { maxRetry: 0 },
  })
  await client.connect(endpoint)
  try {
    const session = await client.createSession()
    const result = await work(session)
    await session.close()
    return result
  } finally {
    await client.disconnect()
  }
}

const post = (url: string) => fetch(url, { method: 'POST' })

async function readModbus(endpoint: string, pdu: number[]): Promise<Buffer> {
  const socket = connect(Number(new URL(endpoint).port), '127.0.0.1')
  try {
    socket.write(encodeAdu(1, 1, Buffer.from(pdu)))
    return ((await once(socket, 'data'))[0] as Buffer).subarray(7)
  } finally {
    socket.destroy()
  }
}

describe('the press', () => {
  it('replays, fails by command, and is mended on its HMI', async () => {
    await using press = await openPress({ name: 'p', dir: join(folder, 'press'), speed: 5 })
    const { opcua, hmi } = press.endpoints
    await withSession(opcua, async (session) => {
      const read = async (name: string) =>
        (await session.read({ nodeId: `ns=2;s=Press.${name}` })).value.value
      const waitForOil = (judge: (oil: number) => boolean) =>
        vi.waitFor(async () => expect(judge(await read('TS1'))).toBe(true), 20_000)
      await waitForOil((oil) => oil > 35 && oil < 37)
      await injectFault({ url: hmi, fault: 'cooler-failed' })
      await waitForOil((oil) => oil > 45)
      expect(await read('CoolerFault')).toBe(true)
      const refused = await post(`${hmi}command/reset-fault`)
      expect([refused.status, ((await refused.json()) as { problem: string }).problem]).toEqual([
        409,
        expect.stringMatching(/spare cooler first/),
      ])
      expect((await post(`${hmi}command/switch-to-spare`)).status).toBe(200)
      await waitForOil((oil) => oil > 35 && oil < 37)
      expect(await read('CoolerInService')).toBe('spare')
      expect((await post(`${hmi}command/reset-fault`)).status).toBe(200)
      expect(await read('CoolerFault')).toBe(false)
    })
  })

  it('counts its ledger without a hole, and fails by itself after the time it was told', async () => {
    await using press = await openPress({ name: 'l', dir: join(folder, 'ledger'), faultAfter: 1 })
    const got: number[] = []
    await withSession(press.endpoints.opcua, async (session) => {
      const subscription = await session.createSubscription2({
        requestedPublishingInterval: 100,
        requestedLifetimeCount: 100,
        requestedMaxKeepAliveCount: 10,
        maxNotificationsPerPublish: 0,
        publishingEnabled: true,
        priority: 1,
      })
      const item = await subscription.monitor(
        { nodeId: 'ns=2;s=Press.Ledger', attributeId: AttributeIds.Value },
        { samplingInterval: 0, queueSize: 100, discardOldest: true },
        TimestampsToReturn.Source,
      )
      item.on('changed', (value: DataValue) => got.push(value.value.value[1]))
      await vi.waitFor(() => expect(got.length).toBeGreaterThan(8), 20_000)
      await subscription.terminate()
    })
    expect(got).toEqual(got.map((_, i) => (got[0] ?? 0) + i))
    await vi.waitFor(() => expect(press.state().mainCooler).toBe('reduced'), 20_000)
  })
})

describe('the chiller', () => {
  it('shows its values in their byte orders and takes a setpoint from Modbus and HMI', async () => {
    await using chiller = await openChiller({ name: 'c', seed: 5 })
    const { modbus, hmi } = chiller.endpoints
    const block = (await readModbus(modbus, [3, 0, 0, 0, 7])).subarray(2)
    const state = chiller.state()
    expect(block.readFloatBE(0)).toBeCloseTo(state.supply, 4)
    const swapped = Buffer.concat([block.subarray(6, 8), block.subarray(4, 6)])
    expect(swapped.readFloatBE(0)).toBeCloseTo(state.return, 4)
    expect(block.readUInt16BE(8)).toBe(state.pumpSpeed)
    expect(Buffer.from(block.subarray(10, 14)).reverse().readUInt32BE(0)).toBe(
      Math.floor(state.energy),
    )
    expect((await readModbus(modbus, [6, 0, 10, 0, 85])).toString('hex')).toBe('06000a0055')
    expect(chiller.state().setpoint).toBe(8.5)
    expect((await readModbus(modbus, [6, 0, 10, 0, 200])).toString('hex')).toBe('8603')
    expect((await readModbus(modbus, [6, 0, 0, 0, 1])).toString('hex')).toBe('8602')
    expect((await post(`${hmi}command/setpoint-down`)).status).toBe(200)
    expect((await readModbus(modbus, [3, 0, 10, 0, 1])).readInt16BE(2)).toBe(80)
  })

  it('trips by command, refuses to start, and starts after the reset', async () => {
    await using chiller = await openChiller({ name: 'c' })
    const { modbus, hmi } = chiller.endpoints
    await injectFault({ url: hmi, fault: 'compressor-trip' })
    expect((await readModbus(modbus, [1, 0, 0, 0, 2]))[2]).toBe(0b10)
    expect((await post(`${hmi}command/start`)).status).toBe(409)
    expect((await post(`${hmi}command/reset`)).status).toBe(200)
    expect((await readModbus(modbus, [5, 0, 0, 0xff, 0])).toString('hex')).toBe('050000ff00')
    expect(chiller.state().isRunning).toBe(true)
    await vi.waitFor(async () => {
      expect((await readModbus(modbus, [4, 0, 0, 0, 2])).readUInt32BE(2)).toBeGreaterThan(1)
    }, 20_000)
  })
})

describe('the POS terminal', () => {
  it('exposes UnifiedPOS statistics, trades, and keeps its counters over a restart', async () => {
    const options = { name: 'till-1', dir: join(folder, 'pos'), seed: 9, speed: 60 }
    let last: number
    {
      await using pos = await openPos(options)
      const first = pos.state().receipts
      await vi.waitFor(() => expect(pos.state().receipts).toBeGreaterThan(first), 20_000)
      await withSession(pos.endpoints.opcua, async (session) => {
        const read = async (name: string) =>
          (await session.read({ nodeId: `ns=2;s=Pos.${name}` })).value.value
        expect(await read('POSPrinter.SerialNumber')).toBe('TP-80-0009-till-1')
        expect(await read('POSPrinter.PaperCutCount')).toBeGreaterThanOrEqual(first)
        expect(await read('Scanner.GoodScanCount')).toBeGreaterThan(first)
        expect(await read('MSR.HoursPoweredCount')).toBeGreaterThan(8000)
        expect(await read('System.Temperature')).toBeGreaterThan(20)
      })
      await injectFault({ url: pos.endpoints.control, fault: 'cutter-worn' })
      expect(pos.state().fault).toBe('cutter-worn')
      last = first + 1
    }
    await using again = await openPos(options)
    expect(again.state().receipts).toBeGreaterThanOrEqual(last)
    expect(again.state().fault).toBe('none')
  })
})

describe('the receipt printer', () => {
  it('shows a fault given by command in its status, until it is mended', async () => {
    await using printer = await openPrinterMachine({ name: 'r' })
    const ask = async () => {
      const socket = connect(Number(new URL(printer.endpoints.printer).port), '127.0.0.1')
      socket.write(Buffer.from([16, 4, 4]))
      const [answer] = (await once(socket, 'data')) as [Buffer]
      socket.destroy()
      return answer[0]
    }
    await injectFault({ url: printer.endpoints.control, fault: 'paper-near-end' })
    expect(await ask()).toBe(0x1e)
    await injectFault({ url: printer.endpoints.control, fault: 'none' })
    expect(await ask()).toBe(0x12)
  })
})
