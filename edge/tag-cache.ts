/** What the gateway knows now: the newest sample of every tag and whether each device is online. */
import { FollowMap } from '../protocol/kit/follow-map.ts'
import {
  type DeviceId,
  parseTagId,
  quality,
  type Sample,
  type Tag,
  type TagId,
} from '../protocol/model.ts'
import { degradeUnset, isClockSetAt } from './gateway-clock.ts'
import { type Row, type RowTags, toSamples } from './readings.ts'

export interface DeviceNow {
  device: DeviceId
  online: boolean
  /** Since when, Unix ms. */
  since: number
  /** Why it is offline, in words. */
  sentence: string | undefined
  tags: readonly Tag[]
}

export interface TagCache {
  keep(samples: readonly Sample[]): void
  keepRow(row: Row): void
  latest(tag: TagId): Sample | undefined
  /** Unknown devices are left alone. */
  setState(device: DeviceId, state: Omit<DeviceNow, 'device' | 'tags'>): void
  /** A device that runs from now on, in its old place if it had one: offline, as nothing is known until it has answered. */
  define(device: DeviceId, tags: readonly Tag[], now: number): void
  /** Forgets the device and its newest samples. */
  remove(device: DeviceId): void
  devices(): DeviceNow[]
}

/** The newest sample of a tag, or where in the newest row of its group it stands. */
interface Slot {
  sample: Sample | undefined
  rows?: NewestRow
  place: number
}

/** The newest good numbers of a group; a time of 0 says that the slot has a newer sample. */
interface NewestRow {
  values: Float64Array
  times: Float64Array
}

export function createTagCache(): TagCache {
  /** A slot a tag: a reading takes its place without a second look-up. */
  const newest = new FollowMap<Slot>()
  const rows = new WeakMap<RowTags, NewestRow>()
  const states = new Map<DeviceId, DeviceNow>()
  const slotOf = (tag: TagId): Slot => {
    const slot = newest.get(tag) ?? { sample: undefined, place: 0 }
    newest.set(tag, slot)
    return slot
  }
  const openRow = (of: RowTags): NewestRow => {
    const size = of.tags.length
    const opened = { values: new Float64Array(size), times: new Float64Array(size) }
    rows.set(of, opened)
    for (const [place, tag] of of.tags.entries()) {
      Object.assign(slotOf(tag), { rows: opened, place })
    }
    return opened
  }
  const keep = (samples: readonly Sample[]) => {
    for (const raw of samples) {
      const sample = degradeUnset(raw)
      const slot = newest.get(sample.tag) ?? slotOf(sample.tag)
      slot.sample = sample
      if (slot.rows) slot.rows.times[slot.place] = 0
    }
  }
  return {
    keep,
    keepRow(row) {
      if (!isClockSetAt(row.at)) return keep(toSamples(row))
      const { values, times } = rows.get(row.of) ?? openRow(row.of)
      for (let i = 0; i < row.values.length; i++) {
        const place = row.places[i] as number
        values[place] = row.values[i] as number
        times[place] = row.at
      }
    },
    latest(tag) {
      const slot = newest.get(tag)
      const at = slot?.rows?.times[slot.place] ?? 0
      if (!slot?.rows || at === 0) return slot?.sample
      return { tag, at, value: slot.rows.values[slot.place] as number, quality: quality.good }
    },
    setState(device, state) {
      const known = states.get(device)
      if (known) states.set(device, { ...known, ...state })
    },
    define(device, tags, since) {
      for (const { id } of states.get(device)?.tags ?? []) newest.delete(id)
      states.set(device, { device, online: false, since, sentence: 'not reached yet', tags })
    },
    remove(device) {
      for (const { id } of states.get(device)?.tags ?? []) newest.delete(id)
      states.delete(device)
    },
    devices: () => [...states.values()],
  }
}

/** One bad sample a tag: at start nothing is known of any of them, and that must be on record. */
export function unknownSamples(tags: readonly Tag[], at: number): Sample[] {
  return tags
    .filter(({ id }) => parseTagId(id) !== undefined)
    .map(({ id }) => ({ tag: id, at, value: null, quality: quality.bad }))
}
