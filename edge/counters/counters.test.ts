/** Counters of parts: resets, rollovers, exchanged parts, failure ratios, restarts, and never good from bad. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { createLog } from '../../protocol/kit/log.ts'
import { quality, type Sample, type Tag, type TagId, type Value } from '../../protocol/model.ts'
import { type CounterConfig, derivedTags, lintCounters, planCounters } from './counter-schema.ts'
import { openCounterStage } from './counter-stage.ts'

const CUTS: TagId = 'shop/gw/pos/PaperCutCount'
const FAILED: TagId = 'shop/gw/pos/FailedPaperCutCount'
const SERIAL: TagId = 'shop/gw/pos/SerialNumber'
const dir = mkdtempSync(join(tmpdir(), 'mimamori-counters-'))
afterEach(() => rmSync(dir, { recursive: true, force: true }))

const tag = (id: TagId, type: Tag['type'] = 'UInt32'): Tag => {
  return { id, name: id.split('/')[3] as string, type, address: {} }
}
const tags = (counter: Partial<CounterConfig>) => [
  { tag: tag(CUTS), counter: { failuresAre: 'apart', ratioOver: 500, ...counter } as const },
  { tag: tag(FAILED) },
  { tag: tag(SERIAL, 'String') },
]
let clock = 1_800_000_000_000
const read = (id: TagId, value: Value | null, q: Sample['quality'] = quality.good): Sample => {
  clock += 1000
  return { tag: id, at: clock, value, quality: q }
}
function open(counter: Partial<CounterConfig>) {
  const log = createLog('test')
  const stage = openCounterStage(planCounters(tags(counter)), { dir, log })
  const seen = new Map<string, Sample>()
  const events: unknown[] = []
  return {
    stage,
    events,
    take(...samples: Sample[]) {
      for (const sample of stage.extend(samples).slice(samples.length)) {
        const name = sample.tag.slice(CUTS.length + 1)
        const isEvent = name === 'Event' && sample.quality === quality.good
        if (isEvent && sample.value !== 'none' && sample.value !== events.at(-1))
          events.push(sample.value)
        seen.set(name, sample)
      }
      const life = seen.get('Life')
      return life?.quality === quality.good ? Number(life.value) : life?.quality
    },
    ratio: () => seen.get('FailureRatio')?.value,
  }
}

describe('the life of a part', () => {
  it('is what the device counted, and what it forgot at a reset', () => {
    const { take, events } = open({})
    expect([100, 130, 4, 10].map((count) => take(read(CUTS, count)))).toEqual([100, 130, 134, 140])
    expect(events).toEqual(['reset: it stood at 130, then at 4'])
  })

  it('goes on over a rollover, which is told from a reset', () => {
    const { take, events } = open({ rollover: 65_536 })
    expect([65_530, 6, 3].map((count) => take(read(CUTS, count)))).toEqual([65_530, 65_542, 65_545])
    expect(events).toEqual(['rolled over at 65536', 'reset: it stood at 6, then at 3'])
  })

  it('counts on after a clock that was ahead has been put right, and after a restart too', () => {
    const one = open({})
    clock += 7_200_000
    expect(one.take(read(CUTS, 100))).toBe(100)
    clock -= 7_200_000
    expect(one.take(read(CUTS, 110))).toBe(110)
    clock += 7_200_000
    expect(one.take(read(CUTS, 120))).toBe(120)
    one.stage[Symbol.dispose]()
    clock -= 7_200_000
    const other = open({})
    expect(other.take(read(CUTS, 130))).toBe(130)
    expect(other.take(read(CUTS, 4))).toBe(134)
  })

  it('waits while the serial number is empty: a terminal that starts has no other part', () => {
    const one = open({ serial: 'SerialNumber' })
    expect(one.take(read(SERIAL, 'A'), read(CUTS, 500))).toBe(500)
    expect(one.take(read(SERIAL, ''))).toBe(quality.bad)
    expect(one.take(read(SERIAL, 'A'), read(CUTS, 510))).toBe(510)
    expect(one.events).toEqual([])
  })

  it('starts again with another part, whichever tag tells first', () => {
    const one = open({ serial: 'SerialNumber' })
    expect(one.take(read(SERIAL, 'A'), read(CUTS, 500))).toBe(500)
    expect(one.take(read(SERIAL, 'B'))).toBe(quality.bad)
    expect(one.take(read(CUTS, 900))).toBe(900)
    expect(one.events).toEqual(['part exchanged: serial number A became B, which starts at 900'])
    expect(one.take(read(CUTS, 20))).toBe(quality.bad)
    expect(one.take(read(SERIAL, 'C'))).toBe(20)
    expect(one.take(read(CUTS, 30))).toBe(30)
  })

  it('waits for the serial number before it calls a fall a reset', () => {
    const { take, events } = open({ serial: 'SerialNumber' })
    take(read(SERIAL, 'A'), read(CUTS, 500))
    expect(take(read(CUTS, 7))).toBe(quality.bad)
    expect(take(read(CUTS, 9))).toBe(quality.bad)
    expect(take(read(SERIAL, 'A'))).toBe(509)
    expect(events).toEqual(['reset: it stood at 500, then at 9'])
  })

  it('is bad while its count or its serial number is, and stale while one is stale', () => {
    const { take } = open({ serial: 'SerialNumber' })
    expect(take(read(CUTS, 500))).toBe(quality.bad)
    expect(take(read(SERIAL, 'A'))).toBe(500)
    expect(take(read(CUTS, 510, quality.stale))).toBe(quality.stale)
    expect(take(read(CUTS, null, quality.bad))).toBe(quality.bad)
    expect(take(read(CUTS, 510))).toBe(510)
    expect(take(read(SERIAL, null, quality.bad))).toBe(quality.bad)
    expect(take(read(SERIAL, 'A'), read(CUTS, 511.5))).toBe(quality.bad)
    expect(take(read(CUTS, -1))).toBe(quality.bad)
    expect(take(read(CUTS, 512n))).toBe(512)
  })

  it('is kept over a restart, and a part that was exchanged meanwhile is noticed', () => {
    const first = open({ serial: 'SerialNumber' })
    first.take(read(SERIAL, 'A'), read(CUTS, 500))
    first.take(read(CUTS, 5))
    expect(first.take(read(SERIAL, 'A'))).toBe(505)
    first.stage[Symbol.dispose]()
    const second = open({ serial: 'SerialNumber' })
    expect(second.take(read(CUTS, 8))).toBe(quality.bad)
    expect(second.take(read(SERIAL, 'A'))).toBe(508)
    second.stage[Symbol.dispose]()
    const third = open({ serial: 'SerialNumber' })
    // Read before the serial number, and yet of the new part.
    expect(third.take(read(CUTS, 700))).toBe(quality.bad)
    expect(third.take({ ...read(SERIAL, 'B'), at: clock - 60_000 })).toBe(700)
    expect(third.events).toHaveLength(1)
  })

  it('never falls without an event, and equals what was counted, whatever the device does', () => {
    const act = fc.oneof(
      fc.record({ count: fc.integer({ min: 0, max: 50 }) }),
      fc.constant({ reset: true as const }),
      fc.constant({ swap: true as const }),
      fc.constant({ lost: true as const }),
    )
    fc.assert(
      fc.property(fc.array(act, { maxLength: 40 }), (acts) => {
        const { take } = open({ serial: 'SerialNumber' })
        let [raw, life, part] = [10, 10, 1]
        take(read(SERIAL, 'P1'), read(CUTS, raw))
        for (const one of acts) {
          if ('count' in one) [raw, life] = [raw + one.count, life + one.count]
          if ('reset' in one) raw = 0
          if ('swap' in one) [raw, life, part] = [3, 3, part + 1]
          if ('lost' in one) take(read(CUTS, null, quality.bad), read(SERIAL, null, quality.bad))
          take(read(CUTS, raw))
          take(read(SERIAL, `P${part}`))
          expect(take(read(CUTS, raw))).toBe(life)
        }
      }),
      { numRuns: 60 },
    )
  })
})

describe('the failure ratio', () => {
  it('is of the last uses, not of the whole life', () => {
    const { take, ratio } = open({ failures: 'FailedPaperCutCount', ratioOver: 100 })
    take(read(CUTS, 100_000), read(FAILED, 10))
    expect(ratio()).toBeNull()
    let [cuts, failed] = [100_000, 10]
    for (let use = 1; use <= 400; use++) {
      if (use > 200 && use % 4 === 0) failed++
      else cuts++
      take(read(CUTS, cuts), read(FAILED, failed))
      if (use === 200) expect(ratio()).toBe(0)
    }
    expect(ratio()).toBeCloseTo(0.25, 1)
  })

  it('is bad while one of its counts is, and a reset does not bend it', () => {
    const { take, ratio } = open({ failures: 'FailedPaperCutCount', failuresAre: 'within' })
    take(read(CUTS, 0), read(FAILED, 0))
    take(read(CUTS, 100), read(FAILED, 5))
    expect(ratio()).toBe(0.05)
    take(read(FAILED, null, quality.bad))
    expect(ratio()).toBeNull()
    take(read(CUTS, 0), read(FAILED, 0))
    take(read(CUTS, 100), read(FAILED, 5))
    expect(ratio()).toBe(0.05)
  })
})

describe('the configuration', () => {
  it('makes tags that people can find, and says what is wrong', () => {
    const good = planCounters(tags({ failures: 'FailedPaperCutCount' }))
    expect(derivedTags(good).map(({ name, type }) => `${name} ${type}`)).toEqual([
      'PaperCutCount/Life Int64',
      'PaperCutCount/Event String',
      'PaperCutCount/FailureRatio Double',
    ])
    const wrong = [
      ...tags({ serial: 'Serial', failures: 'PaperCutCount' }),
      { tag: tag('shop/gw/pos/Load', 'Double'), counter: { failuresAre: 'apart', ratioOver: 5 } },
    ] as Parameters<typeof lintCounters>[0]
    expect(
      lintCounters(wrong, (index) => ['tags', index]).map(({ path, say }) => [path.join('.'), say]),
    ).toEqual([
      ['tags.0.counter.serial', 'this device has no tag "Serial"'],
      ['tags.0.counter.failures', '"PaperCutCount" must be another tag that counts in integers'],
      ['tags.3.counter', 'a counter is an integer, Load is Double'],
    ])
  })
})
