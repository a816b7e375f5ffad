/** The fleet as configured and as its gateways tell it. */
import { Compile } from 'typebox/compile'
import { beforeEach, describe, expect, it } from 'vitest'
import { Fleet as FleetSchema } from '../../protocol/api.ts'
import {
  derivedTagId,
  type Quality,
  quality,
  type Sample,
  type TagId,
} from '../../protocol/model.ts'
import type { NodeBirth, NodeEvent } from '../../protocol/sparkplug/node-event.ts'
import { type Audit, openAudit } from '../audit/audit.ts'
import { openStore, type Store } from '../store/store.ts'
import { type Fleet, openFleet } from './fleet.ts'
import { checkFleet, FleetConfig } from './fleet-config.ts'
import { toSampleView } from './sample-view.ts'

const NOW = 1_700_000_000_000
const tags = ['temp', 'flow', 'mode'].map((name) => `plant/gw/plc/${name}` as TagId)
const ratioTag = derivedTagId('plant', 'press', 'Ratio')

const config: FleetConfig = {
  tenants: [{ id: 'ten_a', name: 'A' }],
  sites: [{ id: 'plant', tenant: 'ten_a', name: 'Plant', timeZone: 'Asia/Tokyo' }],
  gateways: [{ site: 'plant', id: 'gw', title: 'Gateway' }],
  assets: [
    {
      ...{ id: 'press', site: 'plant', name: 'Press', kind: 'press', model: 'models/press', tags },
      targets: [{ gateway: 'gw', target: 'hmi' }],
      ...{ recovery: { holdMs: 20_000 }, alarm: { severity: 700 } },
    },
  ],
}

const nodeBirth: NodeBirth = {
  ...{ kind: 'birth', site: 'plant', gateway: 'gw', at: NOW, software: 'mimamori 0.1.0', tags: [] },
  targets: [
    { id: 'hmi', kind: 'web', title: 'HMI', consent: 'request' },
    { id: 'ssh', kind: 'ssh', title: 'Shell', consent: 'always' },
  ],
}
const deviceBirth: NodeBirth = {
  ...{ kind: 'birth', site: 'plant', gateway: 'gw', device: 'plc', at: NOW + 1 },
  tags: tags.map((id) => ({ id, name: id.split('/')[3] ?? '', type: 'Double', unit: '°C' })),
}

let store: Store
let audit: Audit
let fleet: Fleet
let latest: Map<TagId, Sample>
let changes: (string | null)[]
const clock = { now: NOW }

beforeEach(async () => {
  store = await openStore({ file: ':memory:' })
  audit = await openAudit(store)
  latest = new Map()
  changes = []
  clock.now = NOW
  const model = {
    ...{ name: 'press', version: '1', trainedRows: 500, threshold: 2, sha256: 'ab' },
    ...{ scoreTag: 's', ratioTag, contributions: [], filled: [] },
  }
  fleet = await openFleet({
    ...{ store, audit, now: () => clock.now, tunnelUp: () => true },
    latest: async (wanted) => wanted.flatMap((tag) => latest.get(tag) ?? []),
    modelOf: (asset) => (asset === 'press' ? model : null),
    onChange: (site) => void changes.push(site),
  })
  await fleet.applyFleet(config)
  return () => store[Symbol.asyncDispose]()
})

function see(tag: TagId, value: number | null, how: { quality?: Quality; at?: number } = {}): void {
  latest.set(tag, { tag, at: how.at ?? clock.now, value, quality: how.quality ?? quality.good })
}

const plant = async () => (await fleet.fleet(['plant'])).sites[0]!
const health = async () => (await plant()).assets[0]!

describe('the fleet', () => {
  it('is what the configuration says, in the promised shape', async () => {
    const view = await fleet.fleet(undefined)
    expect([...Compile(FleetSchema).Errors(view)]).toEqual([])
    expect(view.sites).toMatchObject([
      {
        ...{ id: 'plant', timeZone: 'Asia/Tokyo', tenant: 'A' },
        gateways: [{ id: 'gw', online: false, since: null, tunnel: true, devices: [] }],
        assets: [{ id: 'press', health: 'unknown', openCase: null }],
      },
    ])
    expect((await fleet.fleet([])).sites).toEqual([])
    expect((await fleet.fleet(['shop'])).sites).toEqual([])
  })

  it('shows who is there, since when, and what its tags are worth', async () => {
    await fleet.onNode(nodeBirth)
    await fleet.onNode(deviceBirth)
    see(tags[0]!, 20)
    see(tags[1]!, null, { quality: quality.bad })
    const [gateway] = (await plant()).gateways
    expect(gateway).toMatchObject({ online: true, since: NOW, software: 'mimamori 0.1.0' })
    expect(gateway?.devices).toEqual([
      { id: 'plc', online: true, since: NOW + 1, tags: 3, good: 1, stale: 0, bad: 1 },
    ])
    expect(changes).toEqual([null, 'plant', 'plant'])
  })

  it('calls everything stale since the gateway left, and good again when it is back', async () => {
    await fleet.onNode(nodeBirth)
    await fleet.onNode(deviceBirth)
    for (const tag of tags) see(tag, 1)
    await fleet.onNode({ kind: 'offline', site: 'plant', gateway: 'gw', at: NOW + 500 })
    await fleet.onNode({ kind: 'offline', site: 'plant', gateway: 'gw', at: NOW + 900 })
    const lost = (await plant()).gateways[0]
    expect(lost).toMatchObject({ online: false, since: NOW + 500 })
    expect(lost?.devices).toMatchObject([{ online: false, since: NOW + 500, good: 0, stale: 3 }])
    expect(await health()).toMatchObject({
      health: 'unknown',
      healthReason: expect.stringContaining('gw is offline since 2023-'),
    })
    await fleet.onNode({ ...nodeBirth, at: NOW + 1_000 })
    await fleet.onNode({ ...deviceBirth, at: NOW + 1_001 })
    await fleet.onNode({ ...nodeBirth, at: NOW + 2_000 })
    await fleet.onNode({ ...deviceBirth, at: NOW + 2_001 })
    const back = (await plant()).gateways[0]
    expect(back).toMatchObject({ online: true, since: NOW + 1_000 })
    expect(back?.devices).toMatchObject([{ online: true, since: NOW + 1_001, good: 3 }])
  })

  it('loses one device without losing the gateway', async () => {
    await fleet.onNode(nodeBirth)
    await fleet.onNode(deviceBirth)
    await fleet.onNode({
      kind: 'device-offline',
      site: 'plant',
      gateway: 'gw',
      device: 'plc',
      at: NOW + 9,
    })
    expect((await plant()).gateways[0]).toMatchObject({
      online: true,
      devices: [{ online: false, since: NOW + 9 }],
    })
  })

  it('writes events in the order they came, however fast', async () => {
    const offline = { kind: 'offline', site: 'plant', gateway: 'gw', at: NOW + 2 } as const
    await Promise.all([fleet.onNode(nodeBirth), fleet.onNode(deviceBirth), fleet.onNode(offline)])
    expect((await plant()).gateways[0]).toMatchObject({
      online: false,
      devices: [{ online: false }],
    })
  })

  it('replaces what a birth no longer names', async () => {
    await fleet.onNode(nodeBirth)
    await fleet.onNode(deviceBirth)
    await fleet.onNode({ ...nodeBirth, targets: nodeBirth.targets!.slice(1) })
    await fleet.onNode({ ...deviceBirth, tags: deviceBirth.tags.slice(0, 1) })
    expect((await plant()).gateways[0]?.devices).toMatchObject([{ tags: 1 }])
    expect((await fleet.asset('press'))?.targets).toEqual([])
  })

  it('shows an asset with its tags in order, its model, and only the targets given to it', async () => {
    await fleet.onNode(nodeBirth)
    await fleet.onNode(deviceBirth)
    see(tags[1]!, 7)
    const detail = await fleet.asset('press')
    expect(detail?.tags.map((tag) => [tag.name, tag.unit, tag.latest?.value])).toEqual([
      ['temp', '°C', undefined],
      ['flow', '°C', 7],
      ['mode', '°C', undefined],
    ])
    expect(detail?.model?.ratioTag).toBe(ratioTag)
    expect(detail?.targets).toEqual([
      { site: 'plant', gateway: 'gw', id: 'hmi', kind: 'web', title: 'HMI', consent: 'request' },
    ])
    expect(await fleet.asset('ghost')).toBeUndefined()
    expect(await fleet.siteOf('press')).toBe('plant')
    expect(await fleet.unitOf(tags[0]!)).toBe('°C')
  })

  it('says whether an asset is well only while it knows', async () => {
    await fleet.onNode(nodeBirth)
    expect(await health()).toMatchObject({ health: 'unknown', healthReason: 'no score yet' })
    see(ratioTag, 0.4)
    expect(await health()).toMatchObject({ health: 'normal', healthReason: null, ratio: 0.4 })
    see(ratioTag, null, { quality: quality.bad })
    expect(await health()).toMatchObject({ health: 'unknown', ratio: null })
    see(ratioTag, 0.4, { at: NOW - 61_000 })
    expect(await health()).toMatchObject({
      health: 'unknown',
      healthReason: expect.stringContaining('no score since'),
    })
  })

  it('shows what is worked on, and calls a gateway expected to be off only when all it reads is', async () => {
    const second = { ...config.assets[0]!, id: 'lathe', name: 'Lathe', targets: [] }
    const other = { site: 'plant', id: 'spare', title: 'Reads nothing' }
    const gateways = [...config.gateways, other]
    const worked = new Set<string>()
    const work = { id: 'mnt_1', text: 'new seals', until: NOW + 1, by: 'Ina' }
    const watched = await openFleet({
      ...{ store, audit, now: () => clock.now, latest: async () => [] },
      workOn: ({ asset }) => (worked.has(asset) || worked.has('*') ? work : undefined),
    })
    await watched.applyFleet({ ...config, gateways, assets: [...config.assets, second] })
    const seen = async () => {
      const [site] = (await watched.fleet(['plant'])).sites
      return {
        assets: site!.assets.flatMap(({ id, maintenance }) => (maintenance ? [id] : [])),
        gateways: site!.gateways.flatMap(({ id, inMaintenance }) => (inMaintenance ? [id] : [])),
      }
    }
    expect(await seen()).toEqual({ assets: [], gateways: [] })
    worked.add('press')
    expect(await seen()).toEqual({ assets: ['press'], gateways: [] })
    worked.add('lathe')
    expect(await seen()).toEqual({ assets: ['lathe', 'press'], gateways: ['gw'] })
    worked.add('*')
    expect((await seen()).gateways).toEqual(['gw', 'spare'])
  })

  it('keeps a gap once however often it is reported, newest first', async () => {
    const gap = { site: 'plant', gateway: 'gw', from: 1, to: 5, reason: 'gateway-down' } as const
    await fleet.gap(gap)
    await fleet.gap(gap)
    await fleet.gap({ ...gap, from: 8, to: 9, reason: 'outbox-full', lost: 3 })
    expect((await plant()).gateways[0]?.gaps).toEqual([
      { gateway: 'gw', from: 8, to: 9, reason: 'outbox-full', lost: 3 },
      { gateway: 'gw', from: 1, to: 5, reason: 'gateway-down', lost: null },
    ])
  })

  it('keeps refused samples with their reason', async () => {
    const sample: Sample = { tag: tags[0]!, at: 1, value: 2n ** 60n, quality: quality.good }
    await fleet.quarantine([{ at: NOW, site: 'plant', gateway: 'gw', sample, reason: 'type' }])
    const rows = await store.db.selectFrom('quarantine').selectAll().execute()
    expect(rows).toMatchObject([{ reason: 'type' }])
    expect(JSON.parse(rows[0]!.sample).value).toBe('1152921504606846976')
  })

  it('shows a stranger nowhere, counts it, and audits it once', async () => {
    for (let times = 0; times < 3; times += 1) {
      expect(await fleet.onNode({ ...nodeBirth, gateway: 'stranger' })).toBe(false)
    }
    await fleet.gap({ site: 'plant', gateway: 'stranger', from: 1, to: 2, reason: 'corrupt' })
    expect(fleet.unknownEvents()).toBe(3)
    expect(JSON.stringify(await fleet.fleet(undefined))).not.toContain('stranger')
    const denied = (await audit.list({ limit: 10 })).filter((row) => row.outcome === 'denied')
    expect(denied).toMatchObject([{ action: 'gateway.unknown', object: 'plant/stranger' }])
  })

  it('writes down that two machines claim one identity, and leaves who is there as it is', async () => {
    await fleet.onNode(nodeBirth)
    const contested = { kind: 'contested', site: 'plant', gateway: 'gw', at: NOW, takeovers: 6 }
    expect(await fleet.onNode(contested as NodeEvent)).toBe(true)
    expect((await plant()).gateways[0]).toMatchObject({ online: true, contestedAt: NOW })
    clock.now = NOW + 3_600_000
    expect((await plant()).gateways[0]).not.toHaveProperty('contestedAt')
    expect((await audit.list({ limit: 10 }))[0]).toMatchObject({
      ...{ action: 'gateway.contested', object: 'plant/gw', site: 'plant', outcome: 'failed' },
      detail: '{"takeovers":6}',
    })
  })

  it('forgets who was there when it starts, and what a removed gateway had', async () => {
    await fleet.onNode(nodeBirth)
    await fleet.onNode(deviceBirth)
    const enrolled = store.db.updateTable('gateways').set({ fingerprint: 'ab' })
    await enrolled.execute()
    clock.now = NOW + 5_000
    await fleet.forgetPresence()
    expect((await plant()).gateways[0]).toMatchObject({ online: false, since: NOW + 5_000 })
    await fleet.applyFleet(config)
    const kept = await store.db.selectFrom('gateways').select('fingerprint').execute()
    expect(kept).toEqual([{ fingerprint: 'ab' }])
    await fleet.applyFleet({ ...config, gateways: [], assets: [] })
    await fleet.applyFleet(config)
    const again = await store.db.selectFrom('gateways').select('fingerprint').execute()
    expect(again).toEqual([{ fingerprint: null }])
    expect((await plant()).gateways[0]?.devices).toEqual([])
  })
})

describe('the configuration of the fleet', () => {
  it('is refused with every problem and its place', async () => {
    const [press] = config.assets
    const wrong: FleetConfig = {
      ...config,
      sites: [
        ...config.sites,
        { id: 'plant', tenant: 'ten_b', name: 'x', timeZone: 'Mars/Olympus' },
      ],
      gateways: [...config.gateways, { site: 'nowhere', id: 'gw', title: 'x' }],
      assets: [
        { ...press!, tags: ['shop/gw/plc/temp'], targets: [{ gateway: 'gw2', target: 'x' }] },
      ],
    }
    expect(checkFleet(wrong).map(({ path }) => path)).toEqual([
      ...['sites[1]', 'sites[1].tenant', 'sites[1].timeZone', 'gateways[1].site'],
      ...['assets[0].tags[0]', 'assets[0].targets[0].gateway'],
    ])
    await expect(fleet.applyFleet(wrong)).rejects.toMatchObject({
      code: 'config.invalid',
      detail: { count: 6 },
    })
    expect((await fleet.fleet(undefined)).sites).toHaveLength(1)
  })

  it('lets no asset look at a tag of another site, and no machine be compared with one of another customer', () => {
    const [press] = config.assets
    const own = (id: string, site = 'plant') => {
      return { ...press!, id, site, tags: [`${site}/gw/plc/temp` as TagId], targets: [] }
    }
    const machines = ['a', 'b', 'c', 'd'].map((id) => own(id))
    const peers = (tags: Record<string, TagId>) => [
      { id: 'g', title: 'G', tags, periodMs: 1, windowRows: 1, learnDays: 1, severity: 1 },
    ]
    const wearing = { part: 'cutter', limit: 1, unit: 'cuts', leadDays: 1, watchHours: 1 }
    const wrong: FleetConfig = {
      tenants: [...config.tenants, { id: 'ten_b', name: 'B' }],
      sites: [...config.sites, { id: 'rival', tenant: 'ten_b', name: 'Rival', timeZone: 'UTC' }],
      gateways: [...config.gateways, { site: 'rival', id: 'gw', title: 'x' }],
      assets: [
        {
          ...press!,
          modelTags: { Temp: 'rival/gw/plc/temp' },
          wear: [{ ...wearing, tag: 'rival/gw/plc/cuts', serial: 'rival/gw/plc/serial' }],
        },
        ...machines,
        own('theirs', 'rival'),
      ],
      peers: peers({
        ...Object.fromEntries(machines.map(({ id }) => [id, 'plant/gw/plc/temp' as TagId])),
        press: 'rival/gw/plc/temp',
        theirs: 'rival/gw/plc/temp',
      }),
    }
    expect(checkFleet(wrong).map(({ path }) => path)).toEqual([
      ...['assets[0].modelTags.Temp', 'assets[0].wear[0].tag', 'assets[0].wear[0].serial'],
      ...['peers[0].tags.press', 'peers[0].tags'],
    ])
  })

  it('has names that fit into a topic', () => {
    const schema = Compile(FleetConfig)
    expect(schema.Check(config)).toBe(true)
    for (const id of ['a/b', 'a+', '#', '', 'a b']) {
      expect(schema.Check({ ...config, gateways: [{ site: 'plant', id, title: 'x' }] }), id).toBe(
        false,
      )
    }
  })
})

describe('samples as JSON', () => {
  it('keep 64-bit integers exact and have no NaN', () => {
    const sample = { tag: tags[0]!, at: 1, quality: quality.good } as const
    expect(toSampleView({ ...sample, value: 2n ** 63n - 1n })).toMatchObject({
      value: '9223372036854775807',
      integer: true,
    })
    expect(toSampleView({ ...sample, value: Number.NaN }).value).toBeNull()
    expect(toSampleView({ ...sample, value: false }).value).toBe(false)
  })
})
