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
import { degradeUnset } from './gateway-clock.ts'

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
  latest(tag: TagId): Sample | undefined
  /** Unknown devices are left alone. */
  setState(device: DeviceId, state: Omit<DeviceNow, 'device' | 'tags'>): void
  /** A device that runs from now on, in its old place if it had one: offline, as nothing is known until it has answered. */
  define(device: DeviceId, tags: readonly Tag[], now: number): void
  /** Forgets the device and its newest samples. */
  remove(device: DeviceId): void
  devices(): DeviceNow[]
}

export function createTagCache(): TagCache {
  /** A slot a tag: a reading takes its place without a second look-up. */
  const newest = new FollowMap<{ sample: Sample }>()
  const states = new Map<DeviceId, DeviceNow>()
  return {
    keep(samples) {
      for (const raw of samples) {
        const sample = degradeUnset(raw)
        const slot = newest.get(sample.tag)
        if (!slot) newest.set(sample.tag, { sample })
        else slot.sample = sample
      }
    },
    latest: (tag) => newest.get(tag)?.sample,
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
