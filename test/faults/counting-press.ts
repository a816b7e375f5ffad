/** An OPC UA server that counts by itself, to be restarted and changed: what it told is known exactly. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { copyFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { TagId } from '../../protocol/model.ts'
import {
  type OpcuaServer,
  type OpcuaServerOptions,
  openOpcuaServer,
} from '../../simulators/kit/opcua-server.ts'
import type { Told } from './counting-plc.ts'
import { type FaultProxy, openFaultProxy } from './fault-proxy.ts'

const NAMESPACE = 'urn:test:counter'
export const pressTag: TagId = 'plant/gw1/press/Count'
/** What the calm neighbour of the counter says, unless told otherwise. */
export const CALM_VALUE = 7
const COUNT_MS = 200
/** What was counted is published by then: four publications. */
const UNSENT_MS = 400

export interface CountingPress extends AsyncDisposable {
  readonly told: readonly Told[]
  readonly proxy: FaultProxy
  /** Where the certificate to trust lies. */
  readonly trusted: string
  sessions(): number
  /** Changes the one that is calm. */
  setOther(value: number): void
  stop(): Promise<void>
  /** On the same port again. */
  start(options?: Partial<OpcuaServerOptions> & { hasNewKey?: boolean }): Promise<void>
  /** Trusts the certificate the server shows now. */
  trust(): Promise<void>
}

export async function openCountingPress(): Promise<CountingPress> {
  const dir = mkdtempSync(join(tmpdir(), 'mimamori-press-'))
  const trusted = join(dir, 'trusted.pem')
  const told: Told[] = []
  let server: OpcuaServer | undefined
  let keys = 0
  let port = 0
  const timer = setInterval(() => {
    if (!server) return
    told.push({ value: told.length + 1, at: Date.now(), monoMs: performance.now() })
    server.set('Count', told.length)
  }, COUNT_MS)
  const start: CountingPress['start'] = async ({ hasNewKey, ...options } = {}) => {
    if (hasNewKey) keys += 1
    server = await openOpcuaServer({
      ...{ port, namespaceUri: NAMESPACE, title: 'Press', folder: join(dir, `server${keys}`) },
      ...{ device: 'Press', security: 'encrypted' },
      variables: [
        { name: 'Count', type: 'Int32', initial: told.length },
        { name: 'Other', type: 'Int32', initial: CALM_VALUE },
      ],
      ...options,
    })
    port = server.port
  }
  const stop = async () => {
    const stopping = server
    server = undefined
    // What was counted is published first: the stop is the fault, not a race with it.
    await sleep(UNSENT_MS)
    await stopping?.[Symbol.asyncDispose]()
  }
  const trust = async () => {
    if (server && existsSync(server.certificateFile))
      await copyFile(server.certificateFile, trusted)
  }
  await start()
  await trust()
  const proxy = await openFaultProxy(port)
  return {
    ...{ told, proxy, trusted, stop, start, trust },
    sessions: () => server?.sessions() ?? 0,
    setOther: (value) => server?.set('Other', value),
    async [Symbol.asyncDispose]() {
      clearInterval(timer)
      await proxy[Symbol.asyncDispose]()
      await stop()
      rmSync(dir, { recursive: true, force: true, maxRetries: 3 })
    },
  }
}

export function describePress({ proxy, trusted }: CountingPress) {
  const nodeId = (name: string): string => `nsu=${NAMESPACE};s=Press.${name}`
  const group = (name: string, maxSilenceMs: number) => ({
    ...{ name, intervalMs: 1000, mode: 'subscribe', maxSilenceMs },
    tags: [{ name, type: 'Int32', nodeId: nodeId(name) }],
  })
  return {
    ...{ id: 'press', driver: 'opcua', endpoint: `opc.tcp://127.0.0.1:${proxy.port}` },
    ...{ trust: [trusted], timeoutMs: 3000, publishingIntervalMs: 100, samplingIntervalMs: 0 },
    ...{ queueSize: 200, keepAliveMs: 1000, silenceMs: 4000, nodeRetryMs: 1000 },
    // A repeat of the counter would look like a duplicate; the calm one is repeated as often as can be.
    groups: [group('Count', 86_400_000), group('Other', 1000)],
  }
}

/** The first value of a session is told as of its arrival: up to a push later than its own time. */
export function pressJudge({ told }: CountingPress, from: number) {
  return { tag: pressTag, told, from, stampMs: 1500 }
}
