/** The OPC UA server as a real client sees it, signed and encrypted. */
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  AttributeIds,
  type ClientSession,
  DataType,
  type DataValue,
  MessageSecurityMode,
  OPCUACertificateManager,
  OPCUAClient,
  SecurityPolicy,
  StatusCodes,
  TimestampsToReturn,
  UserTokenType,
  VariantArrayType,
} from 'node-opcua'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { type OpcuaServer, openOpcuaServer } from './opcua-server.ts'

let folder: string
let server: OpcuaServer
let pki: OPCUACertificateManager

const variables = [
  { name: 'Pressure', type: 'Double', unit: 'bar', range: [0, 250], initial: 1.5 },
  { name: 'Ledger', type: 'Int64', initial: -5n },
  { name: 'Command', type: 'Int32', initial: 0, writable: true },
] as const

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'opcua-kit-'))
  server = await openOpcuaServer({
    namespaceUri: 'urn:test:kit',
    title: 'Kit',
    folder: join(folder, 'server'),
    device: 'Box',
    variables,
    security: 'encrypted',
  })
  pki = new OPCUACertificateManager({
    rootFolder: join(folder, 'client'),
    automaticallyAcceptUnknownCertificate: true,
    disableFileWatchers: true,
  })
  await pki.initialize()
})

afterAll(async () => {
  await server[Symbol.asyncDispose]()
  await pki.dispose()
  await rm(folder, { recursive: true, force: true })
})

function createClient(security: { mode: MessageSecurityMode; policy: SecurityPolicy }) {
  return OPCUAClient.create({
    clientCertificateManager: pki,
    securityMode: security.mode,
    securityPolicy: security.policy,
    endpointMustExist: false,
    connectionStrategy: { maxRetry: 0 },
  })
}

async function withSession(work: (session: ClientSession) => Promise<void>, at = server.endpoint) {
  const client = createClient({
    mode: MessageSecurityMode.SignAndEncrypt,
    policy: SecurityPolicy.Aes256_Sha256_RsaPss,
  })
  await client.connect(at)
  try {
    const session = await client.createSession()
    await work(session)
    await session.close()
  } finally {
    await client.disconnect()
  }
}

describe('a signed and encrypted session', () => {
  it('reads values with type, unit, range, source time and status', async () => {
    server.set('Pressure', 98.25, { at: 1_700_000_000_123, statusCode: 0x40920000 })
    await withSession(async (session) => {
      const read = await session.read({ nodeId: server.nodeId('Pressure') })
      expect(read.value.dataType).toBe(DataType.Double)
      expect(read.value.value).toBe(98.25)
      expect(read.sourceTimestamp?.getTime()).toBe(1_700_000_000_123)
      expect(read.statusCode.value).toBe(0x40920000)
      const references = await session.browse(server.nodeId('Pressure'))
      const unit = references.references?.find((it) => it.browseName.name === 'EngineeringUnits')
      const found = await session.read({ nodeId: String(unit?.nodeId) })
      expect(found.value.value.displayName.text).toBe('bar')
      const ledger = await session.read({ nodeId: server.nodeId('Ledger') })
      expect(ledger.value.value).toEqual([0xffffffff, 0xfffffffb])
    })
  })

  it('is told every set() in order, with its own source time', async () => {
    await withSession(async (session) => {
      const subscription = await session.createSubscription2({
        requestedPublishingInterval: 50,
        requestedLifetimeCount: 100,
        requestedMaxKeepAliveCount: 10,
        maxNotificationsPerPublish: 0,
        publishingEnabled: true,
        priority: 1,
      })
      const item = await subscription.monitor(
        { nodeId: server.nodeId('Ledger'), attributeId: AttributeIds.Value },
        { samplingInterval: 0, queueSize: 1000, discardOldest: true },
        TimestampsToReturn.Source,
      )
      const got: [number, number | undefined][] = []
      item.on('changed', (value: DataValue) => {
        got.push([value.value.value[1], value.sourceTimestamp?.getTime()])
      })
      await vi.waitFor(() => expect(got.length).toBe(1), 20_000)
      for (let i = 1; i <= 200; i++) server.set('Ledger', BigInt(i), { at: 5000 + i })
      await vi.waitFor(() => expect(got.length).toBe(201), 20_000)
      expect(got.slice(1)).toEqual(Array.from({ length: 200 }, (_, i) => [i + 1, 5001 + i]))
      await subscription.terminate()
    })
  })

  it('may write what is writable and nothing else', async () => {
    const written: unknown[] = []
    server.onWrite((name, value) => written.push([name, value]))
    const write = (name: string, dataType: DataType, value: unknown) => ({
      nodeId: server.nodeId(name),
      attributeId: AttributeIds.Value,
      value: { value: { dataType, value, arrayType: VariantArrayType.Scalar } },
    })
    await withSession(async (session) => {
      expect(await session.write(write('Command', DataType.Int32, 7))).toBe(StatusCodes.Good)
      expect(await session.write(write('Pressure', DataType.Double, 7))).toBe(
        StatusCodes.BadNotWritable,
      )
    })
    server.set('Pressure', 3)
    expect(written).toEqual([['Command', 7]])
    expect(server.get('Command')).toBe(7)
  })
})

describe('access', () => {
  it('without encryption is refused when the server is encrypted', async () => {
    const client = createClient({ mode: MessageSecurityMode.None, policy: SecurityPolicy.None })
    await client.connect(server.endpoint)
    await expect(client.createSession()).rejects.toThrow()
    await client.disconnect()
  })

  it('with users asks for the right password, and lets nobody in anonymously', async () => {
    await using guarded = await openOpcuaServer({
      namespaceUri: 'urn:test:users',
      title: 'Users',
      folder: join(folder, 'users'),
      device: 'Box',
      variables,
      security: 'encrypted',
      users: { plc: 'right' },
    })
    const client = createClient({
      mode: MessageSecurityMode.SignAndEncrypt,
      policy: SecurityPolicy.Basic256Sha256,
    })
    await client.connect(guarded.endpoint)
    const login = (password: string) =>
      client.createSession({ type: UserTokenType.UserName, userName: 'plc', password })
    await expect(client.createSession()).rejects.toThrow()
    await expect(login('wrong')).rejects.toThrow()
    const session = await login('right')
    await session.close()
    await client.disconnect()
  })

  it('starts again in the same folder with the same certificate and writes nowhere else', async () => {
    const options = {
      namespaceUri: 'urn:test:again',
      title: 'Again',
      folder: join(folder, 'again'),
      device: 'Box',
      variables,
      security: 'any',
    } as const
    const first = await openOpcuaServer(options)
    await first[Symbol.asyncDispose]()
    await using second = await openOpcuaServer(options)
    expect(second.certificateFile).toBe(first.certificateFile)
    expect(second.certificateFile.startsWith(options.folder)).toBe(true)
    expect((await readdir(options.folder)).sort()).toEqual(['pki', 'user-pki'])
  })
})
