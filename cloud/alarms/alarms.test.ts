/** Alarms on a real store: raised, acknowledged, shelved, restarted. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { quality, type Sample } from '../../protocol/model.ts'
import { openAudit } from '../audit/audit.ts'
import { openStore } from '../store/store.ts'
import { ratioRule } from './alarm-rule.ts'
import { openAlarms } from './alarms.ts'
import type { AlarmChangeEvent } from './shelving.ts'

const rule = ratioRule({ id: 'press', site: 'plant', severity: 700 })
const anna = { id: 'per_anna', login: 'anna' }
const NOW = 1_700_000_000_000
const contributions = [{ tag: 't', name: 'Oil temperature', z: 9, direction: 'high' as const }]
const folders: string[] = []
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true })
})

async function open(file = ':memory:', rules = [rule]) {
  const store = await openStore({ file })
  const audit = await openAudit(store)
  const clock = { now: NOW }
  const events: AlarmChangeEvent[] = []
  const alarms = await openAlarms({
    ...{ store, audit, rules, now: () => clock.now },
    onChange: (event) => void events.push(event),
  })
  /** One ratio a second, live. */
  const feed = async (values: readonly number[]) => {
    for (const value of values) {
      clock.now += 1_000
      const sample: Sample = { tag: rule.tag, at: clock.now, value, quality: quality.good }
      await alarms.accept([sample], { contributions, breaches: [], filled: ['Flow'] })
    }
  }
  const kinds = () => events.map((event) => event.kind)
  return {
    store,
    audit,
    alarms,
    clock,
    events,
    kinds,
    feed,
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  }
}

const above = (seconds: number) => Array.from({ length: seconds }, () => 3)
const below = (seconds: number) => Array.from({ length: seconds }, () => 0.5)

describe('alarms', () => {
  it('raise once, with what contributed, and clear once', async () => {
    await using t = await open()
    await t.feed([...above(20), ...below(20)])
    expect(t.kinds()).toEqual(['raised', 'cleared'])
    expect(t.events[0]?.alarm).toMatchObject({
      state: 'active-unacked',
      message: 'Abnormal behaviour: Oil temperature high',
      contributions,
      severity: 700,
      raisedAt: NOW + 6_000,
    })
    expect(t.events[1]?.alarm).toMatchObject({ state: 'cleared-unacked', peak: 3 })
    const kept = await t.store.db.selectFrom('alarms').select('filled').execute()
    expect(kept).toEqual([{ filled: '["Flow"]' }])
  })

  it('end when acknowledged and cleared, in either order', async () => {
    await using t = await open()
    await t.feed(above(8))
    const id = t.events[0]!.alarm.id
    expect(await t.alarms.acknowledge(anna, id, 'seen')).toMatchObject({
      state: 'active-acked',
      ackedBy: 'per_anna',
    })
    await t.feed(below(12))
    expect((await t.alarms.get(id))?.state).toBe('normal')
    expect(await t.alarms.list({ state: 'open' })).toEqual([])
    await expect(t.alarms.acknowledge(anna, id)).rejects.toMatchObject({ code: 'alarm.conflict' })
    await t.feed([...above(8), ...below(12)])
    const second = t.events.at(-1)!.alarm.id
    expect(second).not.toBe(id)
    expect((await t.alarms.acknowledge(anna, second)).state).toBe('normal')
    const acks = (await t.audit.list({ limit: 10 })).map((row) => [
      row.action,
      row.actor,
      row.object,
    ])
    expect(acks).toEqual([
      ['alarm.acknowledge', 'anna', second],
      ['alarm.acknowledge', 'anna', id],
    ])
  })

  it('that cleared unacknowledged are the same occurrence when they come back', async () => {
    await using t = await open()
    await t.feed([...above(8), ...below(12), ...above(8)])
    expect(t.kinds()).toEqual(['raised', 'cleared', 'raised'])
    expect(new Set(t.events.map((event) => event.alarm.id)).size).toBe(1)
    expect(t.events[2]?.alarm).toMatchObject({ state: 'active-unacked', clearedAt: null })
  })

  it('survive a restart: active ones are not raised twice and clear afterwards', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'mimamori-alarms-'))
    folders.push(folder)
    const file = join(folder, 'state.db')
    {
      await using first = await open(file)
      await first.feed(above(8))
    }
    await using second = await open(file)
    second.clock.now += 20_000
    await second.feed([...above(8), ...below(12)])
    expect(second.kinds()).toEqual(['cleared'])
  })

  it('whose machine went from the configuration while the cloud was down clear at its start, and no others', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'mimamori-alarms-'))
    folders.push(folder)
    const file = join(folder, 'state.db')
    {
      await using first = await open(file)
      await first.feed(above(8))
    }
    {
      await using same = await open(file)
      expect(same.kinds()).toEqual([])
    }
    await using without = await open(file, [])
    expect(without.kinds()).toEqual(['cleared'])
    const [alarm] = await without.alarms.list({ state: 'all' })
    expect(alarm).toMatchObject({ state: 'cleared-unacked', peak: 3 })
  })

  it('are not raised by history that arrives late', async () => {
    await using t = await open()
    const late = Array.from({ length: 30 }, (_, second): Sample => {
      return { tag: rule.tag, at: NOW - 600_000 + second * 1_000, value: 9, quality: quality.good }
    })
    await t.alarms.accept(late)
    expect(t.kinds()).toEqual([])
    expect(await t.alarms.list({ state: 'all' })).toEqual([])
  })

  it('say once when the value is not known any more', async () => {
    await using t = await open()
    await t.feed(above(8))
    for (let second = 0; second < 20; second += 1) {
      t.clock.now += 1_000
      await t.alarms.accept([{ tag: rule.tag, at: t.clock.now, value: null, quality: quality.bad }])
    }
    expect(t.kinds()).toEqual(['raised'])
    const notes = await t.store.db.selectFrom('alarm_events').select('kind').execute()
    expect(notes.map((note) => note.kind)).toEqual(['raised', 'uncertain'])
  })

  it('are shelved for a time, come back by themselves, and by hand', async () => {
    await using t = await open()
    await t.feed(above(8))
    const id = t.events[0]!.alarm.id
    const shelved = await t.alarms.shelve(anna, id, { minutes: 10, reason: 'being cleaned' })
    expect(shelved).toMatchObject({ shelving: 'TimedShelved', shelvedUntil: t.clock.now + 600_000 })
    await t.alarms.tick(t.clock.now + 599_999)
    expect(t.kinds()).toEqual(['raised', 'shelved'])
    await t.alarms.tick(t.clock.now + 600_000)
    expect(t.events.at(-1)).toMatchObject({ kind: 'unshelved', alarm: { shelving: 'Unshelved' } })
    await t.alarms.shelve(anna, id, { minutes: 10, reason: 'again' })
    await t.alarms.unshelve(anna, id)
    expect(t.kinds()).toEqual(['raised', 'shelved', 'unshelved', 'shelved', 'unshelved'])
  })

  it('of a rule that is taken out of service clear, and one of another model goes on under its id', async () => {
    await using t = await open()
    await t.feed(above(8))
    const id = t.events[0]!.alarm.id
    await t.alarms.setRules([{ ...rule, model: 'mdl_2', severity: 100, opensCase: false }])
    await t.feed(above(8))
    expect(t.kinds()).toEqual(['raised'])
    await t.alarms.setRules([])
    expect(t.kinds()).toEqual(['raised', 'cleared'])
    expect((await t.alarms.get(id))?.state).toBe('cleared-unacked')
    await t.feed(above(8))
    expect(t.kinds()).toEqual(['raised', 'cleared'])
    await t.alarms.setRules([{ ...rule, model: 'mdl_2', opensCase: false }])
    await t.feed(above(8))
    expect(t.events.at(-1)).toMatchObject({ kind: 'raised', opensCase: false, alarm: { id } })
    const row = await t.store.db.selectFrom('alarms').select('model').executeTakeFirst()
    expect(row?.model).toBe('mdl_2')
  })

  it('name the broken hard rules before the tags', async () => {
    await using t = await open()
    for (let second = 0; second < 8; second += 1) {
      t.clock.now += 1_000
      const sample: Sample = { tag: rule.tag, at: t.clock.now, value: 3, quality: quality.good }
      await t.alarms.accept([sample], { contributions, breaches: ['TS1:stuck'] })
    }
    expect(t.events[0]?.alarm.message).toBe('Abnormal behaviour: TS1 stuck, Oil temperature high')
  })

  it('are listed by site, and nothing is found under a wrong id', async () => {
    await using t = await open()
    await t.feed(above(8))
    expect(await t.alarms.list({ state: 'open', sites: ['plant'] })).toHaveLength(1)
    expect(await t.alarms.list({ state: 'open', sites: ['shop'] })).toEqual([])
    expect(await t.alarms.list({ state: 'open', sites: [] })).toEqual([])
    expect(await t.alarms.get('alm_x')).toBeUndefined()
    await expect(t.alarms.acknowledge(anna, 'alm_x')).rejects.toMatchObject({
      code: 'object.missing',
    })
    await expect(t.alarms.shelve(anna, 'alm_x', { minutes: 1, reason: 'x' })).rejects.toMatchObject(
      {
        code: 'object.missing',
      },
    )
  })

  it('that could not be written down are raised, and cleared, by the next value that can', async () => {
    await using t = await open()
    const { sql } = await import('kysely')
    const rename = (from: string, to: string) =>
      sql`alter table ${sql.ref(from)} rename to ${sql.ref(to)}`.execute(t.store.db)
    await t.feed(above(5))
    await rename('alarm_events', 'lost')
    await expect(t.feed(above(1))).rejects.toThrow()
    await rename('lost', 'alarm_events')
    await t.feed(above(2))
    expect(t.kinds()).toEqual(['raised'])
    await t.feed(below(10))
    await rename('alarm_events', 'lost')
    await expect(t.feed(below(1))).rejects.toThrow()
    await rename('lost', 'alarm_events')
    await t.feed(below(2))
    expect(t.kinds()).toEqual(['raised', 'cleared'])
  })
})
