/** F12–F15: what happens between the gateway and an OPC UA server whose counter goes on by itself. */
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
import { type Bench, openBench } from './bench.ts'
import { describePlc, type Told } from './counting-plc.ts'
import { type FaultProxy, openFaultProxy } from './fault-proxy.ts'
import { judge } from './judge.ts'
import { missingMosquitto } from './processes.ts'
import type { Scenario, Seen } from './scenario.ts'
import { until } from './until.ts'

const NAMESPACE = 'urn:test:counter'
const countTag: TagId = 'plant/gw1/press/Count'
const otherTag: TagId = 'plant/gw1/press/Other'
const COUNT_MS = 200
/** What the server had counted but not yet published when its session died, no client has ever seen: two publications. */
const UNSENT_MS = 400

interface Press extends AsyncDisposable {
  readonly told: readonly Told[]
  readonly proxy: FaultProxy
  /** Where the certificate to trust lies. */
  readonly trusted: string
  sessions(): number
  stop(): Promise<void>
  /** On the same port again. */
  start(options?: Partial<OpcuaServerOptions> & { hasNewKey?: boolean }): Promise<void>
  /** Trusts the certificate the server shows now. */
  trust(): Promise<void>
}

async function openCountingPress(): Promise<Press> {
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
  const start: Press['start'] = async ({ hasNewKey, ...options } = {}) => {
    if (hasNewKey) keys += 1
    server = await openOpcuaServer({
      ...{ port, namespaceUri: NAMESPACE, title: 'Press', folder: join(dir, `server${keys}`) },
      ...{ device: 'Press', security: 'encrypted' },
      variables: [
        { name: 'Count', type: 'Int32', initial: told.length },
        { name: 'Other', type: 'Int32', initial: 7 },
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
    async [Symbol.asyncDispose]() {
      clearInterval(timer)
      await proxy[Symbol.asyncDispose]()
      await stop()
      rmSync(dir, { recursive: true, force: true, maxRetries: 3 })
    },
  }
}

function describePress({ proxy, trusted }: Press) {
  const nodeId = (name: string): string => `nsu=${NAMESPACE};s=Press.${name}`
  const tags = ['Count', 'Other'].map((name) => ({ name, type: 'Int32', nodeId: nodeId(name) }))
  const group = { name: 'all', intervalMs: 1000, mode: 'subscribe', maxSilenceMs: 86_400_000 }
  return {
    ...{ id: 'press', driver: 'opcua', endpoint: `opc.tcp://127.0.0.1:${proxy.port}` },
    ...{ trust: [trusted], timeoutMs: 3000, publishingIntervalMs: 100, samplingIntervalMs: 0 },
    ...{ queueSize: 200, keepAliveMs: 1000, silenceMs: 4000, nodeRetryMs: 1000 },
    groups: [{ ...group, tags }],
  }
}

interface PressScenario {
  id: string
  name: string
  expect: string
  fault(press: Press, bench: Bench): Promise<string[]>
}

/** The counter flows, the fault comes and goes; the counter flows again and every integer is accounted for. */
async function runPress({ fault }: Pick<PressScenario, 'fault'>): Promise<Seen> {
  await using press = await openCountingPress()
  await using bench = await openBench({
    devices: (plc) => [describePlc(plc), describePress(press)],
  })
  const flows = async (what: string) => {
    const target = press.told.length + 3
    await until(`OPC UA data ${what}`, () => bench.store.last(countTag) >= target, 150_000)
  }
  await flows('before the fault')
  const failed = await fault(press, bench)
  const endedAt = Date.now()
  await flows('after the fault')
  const secondsToNormal = (Date.now() - endedAt) / 1000
  if (press.sessions() > 1) failed.push(`${press.sessions()} sessions at once`)
  const verdict = await judge(bench, { tag: countTag, told: press.told })
  const plc = await judge(bench)
  failed.push(...verdict.failed, ...plc.failed)
  const { duplicated, stored, inGaps } = verdict
  const marks = bench.store.samples(countTag).filter(({ quality }) => quality === 0)
  const unsent = verdict.unexplained.filter((value) => {
    const at = press.told[value - 1]?.at ?? 0
    return marks.some((mark) => mark.at >= at && mark.at <= at + UNSENT_MS)
  })
  const lost = verdict.lost - unsent.length + plc.lost
  const said = `${stored} stored, ${inGaps} while marked bad, ${unsent.length} never sent, ${press.proxy.accepted()} connections`
  return { said, lost, duplicated: duplicated + plc.duplicated, secondsToNormal, failed }
}

async function offlineSentence(bench: Bench): Promise<string> {
  let sentence = ''
  await until('the press is offline', async () => {
    const device = (await bench.status())?.devices.find(({ id }) => id === 'press')
    sentence = device?.sentence ?? ''
    return device?.online === false
  })
  return sentence
}

const pressFaults: readonly PressScenario[] = [
  {
    id: 'F12',
    name: 'OPC UA line silent for 3 s, session survives',
    expect: 'notifications resume, nothing lost',
    async fault({ proxy }) {
      proxy.set({ frozen: 'both' })
      await sleep(3000)
      proxy.clear()
      return []
    },
  },
  {
    id: 'F12b',
    name: 'OPC UA line reset and refused for 3 s',
    expect: 'new session, values resume; the hole is marked bad',
    async fault({ proxy }) {
      proxy.set({ refuse: true })
      proxy.reset()
      await sleep(3000)
      proxy.clear()
      return []
    },
  },
  {
    id: 'F13',
    name: 'server restarted: namespaces in another order, then a node gone, then one session only',
    expect: 'values resume each time, the missing node is bad, one session',
    fault: restartChanged,
  },
  {
    id: 'F14',
    name: 'server renews its certificate',
    expect: 'refused until trusted; the other device goes on',
    fault: renewCertificate,
  },
  {
    id: 'F15',
    name: 'server accepts TCP and never answers, 12 s',
    expect: 'deadlines, one socket at a time, back by itself',
    async fault({ proxy }, bench) {
      proxy.set({ frozen: 'down' })
      proxy.reset()
      await sleep(12_000)
      const failed = proxy.open() > 1 ? [`${proxy.open()} sockets at once`] : []
      await offlineSentence(bench)
      proxy.clear()
      return failed
    },
  },
  {
    id: 'F15b',
    name: 'an open session goes mute for 12 s',
    expect: 'the watchdog rebuilds it, one socket at a time',
    async fault({ proxy }) {
      proxy.set({ frozen: 'down' })
      await sleep(12_000)
      const failed = proxy.open() > 1 ? [`${proxy.open()} sockets at once`] : []
      proxy.clear()
      return failed
    },
  },
]

export const opcuaFaults: readonly Scenario[] = pressFaults.map(({ id, name, expect, fault }) => ({
  ...{ id, fault: name, expect },
  missing: missingMosquitto,
  run: () => runPress({ fault }),
}))

async function restartChanged(press: Press, bench: Bench): Promise<string[]> {
  const failed: string[] = []
  const flows = async (what: string) => {
    const target = press.told.length + 3
    await until(`values ${what}`, () => bench.store.last(countTag) >= target, 150_000)
  }
  await press.stop()
  await press.start({ earlierNamespaces: ['urn:test:one', 'urn:test:two'] })
  await flows('after the namespaces moved')
  await press.stop()
  const initial = press.told.length
  await press.start({ variables: [{ name: 'Count', type: 'Int32', initial }] })
  await flows('after a node is gone')
  const other = bench.store.samples(otherTag).at(-1)
  if (other?.quality === 192) failed.push('the missing node is still good')
  await press.stop()
  await press.start({ maxSessions: 1 })
  await flows('with one session allowed')
  const { at } = bench.store.samples(otherTag).at(-1) ?? {}
  if (at === other?.at) failed.push('the node that came back was not read again')
  return failed
}

async function renewCertificate(press: Press, bench: Bench): Promise<string[]> {
  await press.stop()
  await press.start({ hasNewKey: true })
  const sentence = await offlineSentence(bench)
  await sleep(5000)
  const failed = (await offlineSentence(bench)) === '' ? ['offline without a reason'] : []
  await bench.flows('from the other device')
  await press.trust()
  if (sentence === '') failed.push('no reason told')
  return failed
}
