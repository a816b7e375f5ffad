/** One long session of the edge node, recorded once: waiting, births, data, deaths, rebirth, a host that leaves, a cut line. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import mqtt from 'mqtt'
import { createLog } from '../../protocol/kit/log.ts'
import type { Gap, Sample, Tag } from '../../protocol/model.ts'
import { formatState } from '../../protocol/sparkplug/delivery.ts'
import { decodePayload, encodePayload, type Metric } from '../../protocol/sparkplug/payload.ts'
import { openOutbox } from '../outbox/outbox.ts'
import { type TestBroker, until } from './broker.fixture.ts'
import {
  type Message,
  messagesOf,
  openRecorder,
  type Recorder,
  type Sent,
} from './recorder.fixture.ts'
import { type Command, openUplink, type Uplink } from './uplink.ts'

export const temperature: Tag = {
  id: 'plant/gw1/plc/Temperature',
  name: 'Temperature',
  type: 'Double',
  unit: '°C',
  address: {},
}
export const count: Tag = { id: 'plant/gw1/plc/Count', name: 'Count', type: 'Int16', address: {} }
const never: Tag = { id: 'plant/gw1/pos/Never', name: 'Never', type: 'String', address: {} }

/** A message as a host hears it from the broker. */
export interface Heard {
  topic: string
  qos: number
  retain: boolean
  metrics: Metric[]
  seq: number | undefined
}

export interface EdgeRecording {
  sent: Sent[]
  messages: Message[]
  heard: Heard[]
  commands: Command[]
  /** How many messages had been sent at each step of the story. */
  marks: Record<string, number>
  startedAt: number
  endedAt: number
  mostOpen: number
  /** STATEs it found older than the last one. */
  staleStates: number
  /** Samples handed over, and gaps told. */
  samples: Sample[]
  gaps: number
}

interface Stage {
  recorder: Recorder
  host: mqtt.MqttClient
  uplink: Uplink
  plc: { online: boolean; tags: Tag[] }
  publish(samples: Sample[], gaps?: Gap[]): void
  state(online: boolean, timestamp: number, id?: string): Promise<unknown>
  command(topic: string, metrics: Metric[]): Promise<unknown>
  /** Resolves when the node has taken everything said to it before. */
  settled(): Promise<void>
  mark(name: string): void
  of(type: Message['type']): number
}

const TIMES = 300

export async function recordEdge(broker: TestBroker): Promise<EdgeRecording> {
  const folder = mkdtempSync(join(tmpdir(), 'edge-recording-'))
  const record: EdgeRecording = {
    ...{ sent: [], messages: [], heard: [], commands: [], marks: {}, samples: [], gaps: 0 },
    ...{ startedAt: Date.now(), endedAt: 0, mostOpen: 0, staleStates: 0 },
  }
  try {
    await using stack = new AsyncDisposableStack()
    const stage = await setStage(broker, folder, record, stack)
    await play(stage)
    await stage.uplink[Symbol.asyncDispose]()
    await stage.recorder.when('closed', () => stage.recorder.open() === 0)
    record.staleStates = stage.uplink.state().staleStates
    record.sent = stage.recorder.sent
    record.messages = messagesOf(record.sent)
    record.mostOpen = stage.recorder.mostOpen()
    record.endedAt = Date.now()
    // The last word of each session; what was said before it has been heard, but for what the cut swallowed.
    const deaths = () => record.heard.filter(({ topic }) => topic.includes('NDEATH')).length
    await until('all heard', () => deaths() === 3)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  return record
}

async function setStage(
  broker: TestBroker,
  folder: string,
  record: EdgeRecording,
  stack: AsyncDisposableStack,
): Promise<Stage> {
  const recorder = stack.use(await openRecorder(broker.url))
  const host = await mqtt.connectAsync(broker.url, { reconnectPeriod: 0 })
  stack.defer(() => host.endAsync(true))
  host.on('message', (topic, bytes, { qos, retain }) => {
    if (/STATE|CMD/.test(topic)) return
    const { metrics, seq } = decodePayload(bytes)
    record.heard.push({ topic, qos, retain, metrics, seq })
  })
  await host.subscribeAsync('spBv1.0/#', { qos: 1 })
  const state: Stage['state'] = (online, timestamp, id = 'mimamori') =>
    host.publishAsync(`spBv1.0/STATE/${id}`, formatState({ online, timestamp }), {
      ...{ qos: 1, retain: true },
    })
  await state(false, 100)
  await state(true, 900, 'other')
  const outbox = stack.use(
    openOutbox({ file: join(folder, 'outbox.db'), maxBytes: 1e7, maxAgeMs: 1e9, gateway: 'gw1' }),
  )
  const plc = { online: true, tags: [temperature, count] }
  const latest = new Map<string, Sample>()
  let echoes = 0
  const uplink = openUplink({
    url: recorder.url,
    ...{ site: 'plant', gateway: 'gw1', clientId: 'plant/gw1', software: 'mimamori 0.1.0' },
    devices: () => [
      { device: 'plc', ...plc, latest: (tag) => latest.get(tag) },
      { device: 'pos', online: false, tags: [never], latest: () => undefined },
    ],
    targets: [],
    outbox,
    onCommand(command) {
      if (command.metric === 'Echo') echoes += 1
      else record.commands.push(command)
    },
    ...{ primaryHost: 'mimamori', delivery: 'acknowledged', ackTimeoutMs: 60_000 },
    backoff: { minMs: 20, maxMs: 100 },
    birthSequenceFile: join(folder, 'birth-sequence.txt'),
    log: createLog('uplink').child({}, { level: 'silent' }),
  })
  stack.use(uplink)
  const command: Stage['command'] = (topic, metrics) =>
    host.publishAsync(topic, Buffer.from(encodePayload({ at: Date.now(), metrics })))
  const messages = () => messagesOf(recorder.sent)
  return {
    ...{ recorder, host, uplink, plc, state, command },
    publish(samples, gaps = []) {
      for (const sample of samples) latest.set(sample.tag, sample)
      record.samples.push(...samples)
      record.gaps += gaps.length
      uplink.publish(outbox.append({ samples, gaps }), samples, gaps)
    },
    async settled() {
      const before = echoes
      await until('an echo', () => {
        void command('spBv1.0/plant/NCMD/gw1', [{ name: 'Echo', value: 1 }])
        return echoes > before
      })
    },
    mark(name) {
      record.marks[name] = messages().length
    },
    of: (type) =>
      recorder.sent.filter(
        ({ packet }) => packet.cmd === 'publish' && packet.topic.split('/')[2] === type,
      ).length,
  }
}

const sample = (tag: Tag, value: number, at: number, quality: Sample['quality'] = 192): Sample => ({
  ...{ tag: tag.id, at, value, quality },
})

async function play(stage: Stage): Promise<void> {
  const { recorder, state, mark, of, settled, publish, uplink } = stage
  const births = (times: number) =>
    recorder.when(`births ${times}`, () => of('NBIRTH') >= times && of('DDEATH') >= times)
  await settled()
  mark('host offline')
  await state(true, 50)
  await settled()
  mark('host online, but earlier')
  await state(true, 100)
  await births(1)
  mark('born')
  const now = Date.now()
  publish([sample(count, 2, now), sample(temperature, 20.5, now - 5, 500)])
  await recorder.when('data', () => of('NDATA') === 1)
  mark('data')
  await playDevice(stage)
  publish(
    [],
    Array.from({ length: TIMES }, (_, at): Gap => {
      return { gateway: 'gw1', from: now + at, to: now + at, reason: 'gateway-down' }
    }),
  )
  await recorder.when('more than 256', () => of('NDATA') >= TIMES + 2)
  mark('full circle')
  await stage.command('spBv1.0/plant/NCMD/gw1', [
    { name: 'Node Control/Rebirth', type: 'Boolean', value: true },
  ])
  await recorder.when('reborn', () => of('NDATA') === 2 * TIMES + 3)
  mark('reborn')
  await state(false, 99)
  await settled()
  const told = of('NDATA')
  publish([sample(count, 3, Date.now())])
  await recorder.when('still there', () => of('NDATA') > told)
  mark('older offline')
  await state(false, 100)
  await recorder.when('host gone', () => of('NDEATH') === 1)
  await recorder.when('back', () => recorder.sent.some(({ connection }) => connection === 1))
  await settled()
  mark('host gone')
  await state(true, 200)
  await recorder.when('born anew', () => of('NBIRTH') === 3)
  await until('in session', () => uplink.state().connected)
  recorder.cut()
  const after = () =>
    recorder.sent.filter(({ connection, packet }) => {
      return connection === 2 && packet.cmd === 'publish' && packet.topic.includes('/NDATA/')
    })
  await recorder.when('all told again after the cut', () => after().length === TIMES + 1)
}

/** The device dies, its tags change meanwhile, it is born again; a command reaches it. */
async function playDevice({ recorder, of, plc, uplink, command, mark }: Stage): Promise<void> {
  plc.online = false
  uplink.deviceChanged('plc')
  await recorder.when('device death', () => of('DDEATH') === 2)
  plc.online = true
  plc.tags = [count]
  uplink.deviceChanged('plc')
  await recorder.when('device birth', () => of('DBIRTH') === 3)
  mark('device back')
  await command('spBv1.0/plant/DCMD/gw1/plc', [{ name: 'Count', type: 'Int16', value: -5 }])
}
