/** What the gateway knows now: the newest sample of every tag and whether each device is online. */
import {
  type DeviceId,
  parseTagId,
  quality,
  type Sample,
  type Tag,
  type TagId,
} from '../protocol/model.ts'

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
  setState(device: DeviceId, state: Omit<DeviceNow, 'device' | 'tags'>): void
  devices(): DeviceNow[]
}

/** Every device starts offline: nothing is known until it has answered. */
export function createTagCache(
  devices: readonly { id: DeviceId; tags: readonly Tag[] }[],
  now: number,
): TagCache {
  /** A slot a tag: a reading takes its place without a second look-up. */
  const newest = new Map<TagId, { sample: Sample }>()
  const states = new Map<DeviceId, DeviceNow>(
    devices.map(({ id, tags }) => [
      id,
      { device: id, online: false, since: now, sentence: 'not reached yet', tags },
    ]),
  )
  return {
    keep(samples) {
      for (const sample of samples) {
        const slot = newest.get(sample.tag)
        if (!slot) newest.set(sample.tag, { sample })
        else if (slot.sample.at <= sample.at) slot.sample = sample
      }
    },
    latest: (tag) => newest.get(tag)?.sample,
    setState(device, state) {
      const known = states.get(device)
      if (known) states.set(device, { ...known, ...state })
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
