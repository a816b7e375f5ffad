/** What foreign gateways may send: templates, types no sample holds, and births that contradict themselves. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createLog } from '../../protocol/kit/log.ts'
import type { Sample } from '../../protocol/model.ts'
import type { NodeEvent } from '../../protocol/sparkplug/node-event.ts'
import { decodePayload, type Metric } from '../../protocol/sparkplug/payload.ts'
import { encodeWire, formMetric } from '../../protocol/sparkplug/rich.fixture.ts'
import type { Template } from '../../protocol/sparkplug/rich-values.ts'
import {
  type DeviceMessage,
  deviceMessages,
  type NodeMessage,
  nodeMessages,
} from '../../protocol/sparkplug/topic.ts'
import { createCommitter } from './committer.ts'
import type { IngestCounters } from './contract.ts'
import { createNode } from './node.ts'

/** A node whose messages come as bytes, as from the broker. */
function openNode() {
  const stored: { live: Sample[]; historical: Sample[] } = { live: [], historical: [] }
  const events: NodeEvent[] = []
  const words: unknown[] = []
  const counters = new Proxy({} as IngestCounters, {
    get: (all, name) => Reflect.get(all, name) ?? 0,
  })
  const log = createLog('ingest').child({}, { level: 'silent' })
  log.warn = ((detail: { metrics: string }) => words.push(detail.metrics)) as never
  let rebirths = 0
  const committer = createCommitter({
    commit: async ({ live, historical }) => {
      stored.live.push(...live)
      stored.historical.push(...historical)
    },
    ...{ commitMs: 1, maxPending: 1_000, acknowledge: () => {}, failed: () => {} },
  })
  const node = createNode({
    ...{ site: 'plant', gateway: 'gw1', committer, counters, reorderMs: 1_000, log },
    now: () => 9_000,
    onNode: (event) => events.push(event),
    wantRebirth: () => {
      rebirths += 1
    },
  })
  let seq = 0
  const say = (type: NodeMessage | DeviceMessage, metrics: Metric[], device?: string) => {
    seq = type === 'NBIRTH' ? 0 : seq + 1
    const bytes = encodeWire(metrics.map(formMetric), { seq: BigInt(seq), timestamp: 1_000n })
    node.receive({ type, device, payload: decodePayload(bytes) })
  }
  return {
    ...{ stored, events, words, counters, say, drain: () => committer.drain() },
    nodeBirth: (extra: Metric[] = []) =>
      say('NBIRTH', [{ name: 'bdSeq', type: 'Int64', value: 0n }, ...extra]),
    rebirths: () => rebirths,
  }
}
const rich = (
  name: string | undefined,
  value: Metric['rich'],
  rest: Partial<Metric> = {},
): Metric => ({
  ...(name === undefined ? {} : { name }),
  ...{ value: null, rich: value },
  ...rest,
})
const motor = (metrics: Metric[], isDefinition = false): Template => ({
  ...{ kind: 'Template', isDefinition, ...(isDefinition ? {} : { ref: 'Motor' }) },
  parameters: [{ name: 'Serial', type: 'String', value: 'x' }],
  metrics,
})
const bearing: Template = {
  ...{ kind: 'Template', isDefinition: false, ref: 'Bearing', parameters: [] },
  metrics: [{ name: 'Temp', type: 'Float', value: 41.5, at: 700 }],
}
const speed: Metric = { name: 'Speed', type: 'Int32', value: 1_450 }

test('tck-id-payloads-template-definition-is-definition, tck-id-payloads-template-instance-is-definition, tck-id-payloads-template-instance-members-birth: the members of an instance are tags of their own; a definition describes and stores nothing', async () => {
  const node = openNode()
  node.nodeBirth([rich('Motor', motor([speed], true))])
  node.say(
    'DBIRTH',
    [rich('M1', motor([speed, rich('DE', bearing)]), { alias: 5, at: 600 })],
    'plc',
  )
  await node.drain()
  expect(node.events.at(-1)).toMatchObject({
    kind: 'birth',
    tags: [
      { id: 'plant/gw1/plc/M1/Speed', name: 'M1/Speed', type: 'Int32' },
      { id: 'plant/gw1/plc/M1/DE/Temp', name: 'M1/DE/Temp', type: 'Float' },
    ],
  })
  // A member without a time of its own has that of its instance.
  expect(node.stored.live).toEqual([
    { tag: 'plant/gw1/plc/M1/Speed', at: 600, value: 1_450, quality: 192 },
    { tag: 'plant/gw1/plc/M1/DE/Temp', at: 700, value: 41.5, quality: 192 },
  ])
  expect([node.words, node.rebirths(), node.counters.quarantined]).toEqual([[], 0, 0])
})

test('tck-id-payloads-template-instance-members-data, tck-id-payloads-template-instance-members: data may tell some members; a member the birth did not have asks for a rebirth', async () => {
  const node = openNode()
  node.nodeBirth()
  node.say(
    'DBIRTH',
    [rich('M1', motor([speed, rich('DE', bearing)]), { alias: 5, at: 600 })],
    'plc',
  )
  await node.drain()
  node.stored.live.length = 0
  node.say(
    'DDATA',
    [rich(undefined, motor([{ ...speed, value: 0 }]), { alias: 5, at: 800 })],
    'plc',
  )
  node.say(
    'DDATA',
    [rich('M1', motor([{ ...speed, value: 7 }]), { at: 650, historical: true })],
    'plc',
  )
  await node.drain()
  expect(node.stored).toEqual({
    live: [{ tag: 'plant/gw1/plc/M1/Speed', at: 800, value: 0, quality: 192 }],
    historical: [{ tag: 'plant/gw1/plc/M1/Speed', at: 650, value: 7, quality: 192 }],
  })
  expect(node.rebirths()).toBe(0)
  const other: Metric = { name: 'Torque', type: 'Float', value: 1 }
  node.say('DDATA', [rich(undefined, motor([other]), { alias: 5, at: 900 })], 'plc')
  expect(node.rebirths()).toBe(1)
  node.say('DDATA', [rich(undefined, motor([speed]), { alias: 77, at: 900 })], 'plc')
  expect(node.rebirths()).toBeGreaterThan(1)
})

test('what no sample can hold is refused in words, once, and costs neither its neighbours nor a rebirth', async () => {
  const node = openNode()
  const odd = [
    rich('Recipe', { kind: 'DataSet', columns: [], types: [], rows: [] }, { alias: 1 }),
    rich('Image', { kind: 'Bytes', bytes: Uint8Array.of(1) }, { alias: 2 }),
    rich('Wave', { kind: 'Array', type: 'Float', values: [1, 2] }, { alias: 3 }),
    rich('T', motor([], true), { alias: 4 }),
  ]
  const all = [...odd, { ...speed, alias: 9 }]
  for (const _ of ['born', 'reborn']) {
    node.nodeBirth()
    node.say('DBIRTH', all, 'plc')
  }
  const named = all.map(({ name, ...metric }) => metric)
  node.say('DDATA', named, 'plc')
  await node.drain()
  expect(node.words).toEqual(['Recipe (DataSet), Image (Bytes), Wave (FloatArray), T (Template)'])
  expect(node.stored.live.map(({ tag }) => tag)).toEqual(Array(3).fill('plant/gw1/plc/Speed'))
  expect(node.rebirths()).toBe(0)
  expect(node.counters.quarantined).toBe(odd.length)
  node.nodeBirth()
  node.say('DBIRTH', [{ ...speed, alias: 9 }], 'plc')
  expect(node.words).toHaveLength(1)
})

test('an alias given to two metrics belongs to none: a value by it is refused, not stored under the wrong tag', async () => {
  const node = openNode()
  node.nodeBirth()
  const twin: Metric = { name: 'Torque', type: 'Int32', value: 2, alias: 9 }
  node.say('DBIRTH', [{ ...speed, alias: 9 }, twin], 'plc')
  node.say('DDATA', [{ alias: 9, type: 'Int32', value: 3 }], 'plc')
  await node.drain()
  expect(node.stored.live.map(({ value }) => value)).toEqual([1_450, 2])
  expect(node.counters.quarantined).toBe(2)
})

test.each<[string, NodeMessage | DeviceMessage, Metric[], string | undefined]>([
  ['an NBIRTH without bdSeq', 'NBIRTH', [], undefined],
  ['data before any birth', 'DDATA', [{ alias: 1, type: 'Int32', value: 1 }], 'plc'],
])('hostile: %s brings nobody online', (_, type, metrics, device) => {
  const node = openNode()
  node.say(type, metrics, device)
  expect(node.events).toEqual([])
  expect(Object.values({ ...node.counters })).toEqual([1])
})

test('whatever a hostile node says in whatever order, it is stored, refused or asked for again, and nothing throws', () => {
  const name = fc.constantFrom('a', 'b', '', '__proto__', 'constructor', 'bdSeq', 'Delivery/Gap')
  const alias = fc.constantFrom(undefined, 0, 1, 2, 2 ** 53 - 1)
  const plain = fc.record<Metric>(
    {
      name,
      alias: alias as fc.Arbitrary<number>,
      at: fc.nat(),
      type: fc.constant('Int64'),
      value: fc.bigInt(0n, 300n),
    },
    { requiredKeys: ['type', 'value'] },
  )
  const odd = fc.record({ name, alias, members: fc.array(plain, { maxLength: 2 }) })
  const metric = fc.oneof(
    plain,
    odd.map(({ name: of, alias: by, members }) =>
      rich(of, motor(members), by === undefined ? {} : { alias: by }),
    ),
  )
  const type = fc.constantFrom(...nodeMessages, ...deviceMessages)
  const message = fc.tuple(type, fc.array(metric, { maxLength: 4 }))
  fc.assert(
    fc.property(fc.array(message, { maxLength: 12 }), (messages) => {
      const node = openNode()
      for (const [kind, metrics] of messages) {
        node.say(kind, metrics, kind.startsWith('D') ? 'plc' : undefined)
      }
      for (const { tag } of node.stored.live) expect(tag).toMatch(/^plant\/gw1\/plc\/./)
    }),
    { numRuns: 300 },
  )
})
