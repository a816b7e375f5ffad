/** What time it is: by the machine's own clock, or by the cloud's where the two are far apart. */
import { type Quality, quality, type Sample } from '../protocol/model.ts'
import type { Driver } from './drivers/driver.ts'

export interface GatewayClock {
  /** Unix ms. */
  now(): number
  /** False while the machine's clock was never set and the cloud has not told the time either. */
  isSet(): boolean
  /** The cloud sent this instant (Unix ms) with a message that has just arrived. */
  hear(sentAt: number): void
  /** Moves the times that the machine's clock gave while it is wrong; those of a source with a right clock stay. */
  correct(samples: readonly Sample[]): readonly Sample[]
  /** The same of one time. */
  correctAt(at: number): number
  state(): ClockState
}

export interface ClockState {
  isSet: boolean
  /** Cloud minus machine; undefined before the first word. Up to the time of a message too small. */
  offsetMs: number | undefined
  /** The cloud's time is used. */
  isCorrected: boolean
}

/** A word of the cloud is late by its way: up to this nobody can tell a slow line from a wrong clock. */
const MAX_OFFSET_MS = 10_000
/** 2025-01-01: no gateway of this product has run before. A clock that says so was never set. */
const FIRST_AT = 1_735_689_600_000
/** Words kept: the least delayed of them counts. Older ones drift away with the machine's oscillator. */
const WORDS_FOR_MS = 600_000
const MAX_WORDS = 32

export interface ClockSources {
  wallMs(): number
  monoMs(): number
}

const system: ClockSources = { wallMs: Date.now, monoMs: () => performance.now() }

export function createGatewayClock({ wallMs, monoMs }: ClockSources = system): GatewayClock {
  /** Each: the cloud's clock when this machine's monotonic one was 0, and when it was heard. */
  let words: { base: number; heardMs: number }[] = []
  /** The least delayed of them. */
  let best: number | undefined
  const offset = (): number | undefined =>
    best === undefined ? undefined : Math.round(best + monoMs() - wallMs())
  const correction = (): number => {
    const by = offset() ?? 0
    return Math.abs(by) > MAX_OFFSET_MS ? by : 0
  }
  const now = () => wallMs() + correction()
  return {
    now,
    isSet: () => now() >= FIRST_AT,
    hear(sentAt) {
      if (sentAt < FIRST_AT) return
      const heardMs = monoMs()
      const recent = words.filter((word) => heardMs - word.heardMs < WORDS_FOR_MS)
      words = [...recent.slice(1 - MAX_WORDS), { base: sentAt - heardMs, heardMs }]
      best = words.reduce((most, word) => Math.max(most, word.base), Number.NEGATIVE_INFINITY)
    },
    correct(samples) {
      const by = correction()
      if (by === 0) return samples
      const wall = wallMs()
      return samples.map((sample) => {
        const at = move(sample.at, { by, wall })
        return at === sample.at ? sample : { ...sample, at }
      })
    },
    correctAt: (at) => move(at, { by: correction(), wall: wallMs() }),
    state: () => ({
      isSet: now() >= FIRST_AT,
      offsetMs: offset(),
      isCorrected: correction() !== 0,
    }),
  }
}

/** A time nearer to the machine's clock than to the right one is the machine's. */
function move(at: number, { by, wall }: { by: number; wall: number }): number {
  return Math.abs(at - wall) < Math.abs(at - wall - by) ? at + by : at
}

/** A driver whose samples carry the right time. */
export function correctTimes(
  driver: Driver,
  clock: Pick<GatewayClock, 'correct' | 'correctAt'>,
): Driver {
  return {
    async connect(signal) {
      const open = await driver.connect(signal)
      const { readColumns, subscribe } = open
      return {
        // Everything else as it is; connections are plain objects.
        ...open,
        read: async (tags, until) => [...clock.correct(await open.read(tags, until))],
        readColumns:
          readColumns &&
          (async (tags, until) => {
            const columns = await readColumns(tags, until)
            columns.at = clock.correctAt(columns.at)
            return columns
          }),
        subscribe:
          subscribe &&
          ((tags, emit, until) =>
            subscribe(
              tags,
              (samples, knownAt) =>
                emit([...clock.correct(samples)], knownAt && clock.correctAt(knownAt)),
              until,
            )),
      }
    },
  }
}

/** False for a time that only a clock gives that was never set. */
export function isClockSetAt(at: number): boolean {
  return at >= FIRST_AT
}

/** A reading of a clock that was never set is not good, whatever it says. */
export function degradeUnset(sample: Sample): Sample {
  const bad: Quality = quality.bad
  return sample.quality === quality.good && !isClockSetAt(sample.at)
    ? { ...sample, quality: bad }
    : sample
}

export interface ClockHold {
  /** What may go on now, with what was held before it once the clock is set. */
  pass(samples: readonly Sample[]): readonly Sample[]
  /** In memory, waiting for the time. */
  held(): number
  /** Had no room, since the start. */
  dropped(): number
  /** When that was, Unix ms, once; undefined while nobody knows the time. */
  takeLost(): { from: number; to: number; lost: number } | undefined
}

/** Some 20 MB: a minute or two of a busy gateway, hours of a small one. */
const MAX_HELD = 100_000

/**
 * Good readings taken before the clock was set wait here and get their true time from it, by the monotonic clock;
 * what is marked bad goes on at once, so that the cloud answers and tells the time.
 */
export function createClockHold(clock: GatewayClock, { wallMs, monoMs } = system): ClockHold {
  let held: { sample: Sample; base: number }[] = []
  let dropped = 0
  /** By the monotonic clock. */
  let lost: { fromMs: number; toMs: number; count: number } | undefined
  const release = (): Sample[] => {
    const base = clock.now() - monoMs()
    const samples = held.map(({ sample, base: before }) => {
      return { ...sample, at: Math.round(sample.at + base - before) }
    })
    held = []
    return samples
  }
  const drop = (count: number): void => {
    if (count <= 0) return
    const gone = held.splice(0, count).map(({ sample, base }) => sample.at - base)
    const fromMs = lost?.fromMs ?? gone[0] ?? monoMs()
    lost = { fromMs, toMs: gone.at(-1) ?? fromMs, count: (lost?.count ?? 0) + count }
    dropped += count
  }
  return {
    pass(samples) {
      if (clock.isSet()) return held.length === 0 ? samples : [...release(), ...samples]
      const base = wallMs() - monoMs()
      for (const sample of samples) {
        if (sample.quality === quality.good) held.push({ sample, base })
      }
      drop(held.length - MAX_HELD)
      return samples.filter((sample) => sample.quality !== quality.good)
    },
    held: () => held.length,
    dropped: () => dropped,
    takeLost() {
      if (!lost || !clock.isSet()) return undefined
      const base = clock.now() - monoMs()
      const { fromMs, toMs, count } = lost
      lost = undefined
      return { from: Math.floor(base + fromMs), to: Math.ceil(base + toMs) + 1, lost: count }
    },
  }
}
