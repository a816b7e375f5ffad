/** The counters of one device: takes what the device reported, answers the samples of the tags that counters make. */
import { join } from 'node:path'
import type { Log } from '../../protocol/kit/log.ts'
import { type Quality, quality, type Sample, type Tag, type TagId } from '../../protocol/model.ts'
import {
  type CounterRules,
  type CounterState,
  countTo,
  isUncertain,
  readCount,
  type Step,
  seeSerial,
} from './counter.ts'
import { createCounterFile } from './counter-file.ts'
import type { CounterPlan } from './counter-schema.ts'
import { createFailureRatio, type FailureRatio } from './failure-ratio.ts'

/** What the event tag says before anything happened. */
const NO_EVENT = 'none'

export interface CounterStage extends Disposable {
  /** The samples, and behind them those that counters made of them; the same array where none is a counter's. */
  extend(samples: readonly Sample[]): readonly Sample[]
}

interface Counter {
  plan: CounterPlan
  rules: CounterRules
  state: CounterState
  ratio: FailureRatio
  /** The failures counted beside; a life of their own, so that a reset does not bend the ratio. */
  failures: CounterState
  /** Newest quality of the tags it reads; bad until they were read in this run. */
  read: Record<'count' | 'serial' | 'failures', Quality>
  told: Map<TagId, Sample>
}

/** Restores what its file in `dir` knows; disposing writes it a last time. Without plans it costs nothing. */
export function openCounterStage(
  plans: readonly CounterPlan[],
  { dir, log }: { dir: string; log: Log },
): CounterStage {
  if (plans.length === 0) return { extend: (samples) => samples, [Symbol.dispose]: () => undefined }
  const file = createCounterFile(join(dir, 'counters.json'), log)
  const known = file.load()
  const counters = plans.map((plan) => createCounter(plan, known[plan.tag] ?? {}))
  const byTag = new Map<TagId, Counter[]>()
  for (const counter of counters) {
    const { tag, serial, failures } = counter.plan
    for (const id of new Set([tag, serial, failures]))
      if (id) byTag.set(id, [...(byTag.get(id) ?? []), counter])
  }
  const statesOf = () => Object.fromEntries(counters.map(({ plan, state }) => [plan.tag, state]))
  const isSerial = ({ tag }: Sample) => byTag.get(tag)?.some(({ plan }) => plan.serial === tag)

  return {
    extend(samples) {
      const mine = samples.filter(({ tag }) => byTag.has(tag))
      if (mine.length === 0) return samples
      const made: Sample[] = []
      // Which part it is comes before what the part has counted.
      const ordered = [...mine.filter(isSerial), ...mine.filter((one) => !isSerial(one))]
      for (const sample of ordered)
        for (const counter of byTag.get(sample.tag) ?? [])
          for (const step of read(counter, sample)) {
            counter.state = step.event ? { ...step.state, event: step.event } : step.state
            if (step.event) log.warn({ tag: counter.plan.tag }, `counter ${step.event}`)
          }
      const touched = new Set(ordered.flatMap(({ tag }) => byTag.get(tag) ?? []))
      const at = Math.max(...ordered.map((sample) => sample.at))
      for (const counter of touched) made.push(...tell(counter, at))
      file.keep(statesOf)
      return [...samples, ...made]
    },
    [Symbol.dispose]: () => file.save(statesOf()),
  }
}

function createCounter(plan: CounterPlan, state: CounterState): Counter {
  const { rollover, serial, ratioOver } = plan
  return {
    plan,
    rules: { rollover, hasSerial: serial !== undefined },
    state,
    ratio: createFailureRatio(ratioOver),
    failures: {},
    read: { count: quality.bad, serial: quality.bad, failures: quality.bad },
    told: new Map(),
  }
}

/** Zero or one step of the counter; notes the qualities. */
function read(counter: Counter, sample: Sample): Step[] {
  const { plan, rules, state } = counter
  if (sample.tag === plan.serial) {
    // A terminal that starts tells an empty one before it has asked its part: that is no other part.
    const text = String(sample.value ?? '').trim()
    const serial = sample.quality === quality.good && text !== '' ? text : undefined
    counter.read.serial = text === '' ? quality.bad : sample.quality
    return serial === undefined ? [] : [seeSerial(state, serial, sample.at)]
  }
  const raw = readCount(sample)
  // A good quality with something that is no count is not a good count.
  const seen = raw === undefined && sample.quality === quality.good ? quality.bad : sample.quality
  if (sample.tag === plan.failures) {
    counter.read.failures = seen
    if (raw === undefined) return []
    const rule = { rollover: plan.rollover, hasSerial: false }
    counter.failures = countTo(counter.failures, { raw, at: sample.at }, rule).state
    return []
  }
  counter.read.count = seen
  return raw === undefined ? [] : [countTo(state, { raw, at: sample.at }, rules)]
}

/** The made tags whose value or quality is another one than was told. */
function tell(counter: Counter, at: number): Sample[] {
  const { plan, rules, state, read: seen } = counter
  const serial = plan.serial ? seen.serial : quality.good
  const lifeQuality = isUncertain(state, rules) ? quality.bad : worse(seen.count, serial)
  const life = state.life === undefined ? null : BigInt(state.life)
  const told = [
    sampleOf(plan.life, { value: life, quality: lifeQuality, at }),
    sampleOf(plan.event, { value: state.event ?? NO_EVENT, quality: lifeQuality, at }),
  ]
  if (plan.ratio) {
    const value = lifeQuality === quality.good ? takeRatio(counter) : undefined
    const ratioQuality = value === undefined ? quality.bad : worse(lifeQuality, seen.failures)
    told.push(sampleOf(plan.ratio, { value: value ?? null, quality: ratioQuality, at }))
  }
  return told.filter((sample) => {
    const last = counter.told.get(sample.tag)
    if (last && last.value === sample.value && last.quality === sample.quality) return false
    counter.told.set(sample.tag, sample)
    return true
  })
}

function takeRatio({ plan, state, failures, ratio }: Counter): number | undefined {
  if (state.life === undefined || failures.life === undefined) return undefined
  const uses = state.life + (plan.failuresAre === 'apart' ? failures.life : 0)
  ratio.take({ uses, failures: failures.life })
  return ratio.value()
}

/** No value where the quality is bad: what may be wrong is not shown. */
function sampleOf(tag: Tag, { value, quality: seen, at }: Omit<Sample, 'tag'>): Sample {
  return { tag: tag.id, at, value: seen === quality.bad ? null : value, quality: seen }
}

function worse(one: Quality, other: Quality): Quality {
  if (one === quality.good) return other
  return one === quality.bad || other === quality.good ? one : other
}
