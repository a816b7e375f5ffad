/** What one list of devices changes against another, device by device and tag by tag; pure. */
import type { ConfigDiff } from '../../protocol/api-gateway-config.ts'
import { formatCanonicalJson } from '../../protocol/kit/canonical-json.ts'
import { type DeviceConfig, type TagConfig, tagsOf } from '../device-config.ts'
import { hideSecrets } from './devices-text.ts'

type Changed = ConfigDiff['changed'][number]

/** A longer value says no more to a reader. */
const MAX_VALUE_CHARS = 200

/** Both lists as the gateway would run them, defaults filled in. */
export function diffDevices(
  before: readonly DeviceConfig[],
  after: readonly DeviceConfig[],
): ConfigDiff {
  const olds = new Map(before.map((device) => [device.id, device]))
  const news = new Map(after.map((device) => [device.id, device]))
  const count = (device: DeviceConfig) => ({ device: device.id, tags: tagsOf(device).length })
  const both = after.flatMap((device) => {
    const old = olds.get(device.id)
    return old ? [{ old, device, same: isSameDevice(old, device) }] : []
  })
  return {
    added: after.filter(({ id }) => !olds.has(id)).map(count),
    removed: before.filter(({ id }) => !news.has(id)).map(count),
    changed: both.filter(({ same }) => !same).map(({ old, device }) => diffDevice(old, device)),
    untouched: both.filter(({ same }) => same).map(({ device }) => device.id),
  }
}

/** True when a running link of the one serves the other as well. */
export function isSameDevice(a: DeviceConfig, b: DeviceConfig): boolean {
  return a === b || formatCanonicalJson(a) === formatCanonicalJson(b)
}

/** True when nothing at all would change. */
export function isEmptyDiff({ added, removed, changed }: ConfigDiff): boolean {
  return added.length + removed.length + changed.length === 0
}

function diffDevice(before: DeviceConfig, after: DeviceConfig): Changed {
  const olds = tagsByName(before)
  const news = tagsByName(after)
  return {
    device: after.id,
    settings: diffSettings(settingsOf(before), settingsOf(after)),
    tagsAdded: [...news.keys()].filter((name) => !olds.has(name)),
    tagsRemoved: [...olds.keys()].filter((name) => !news.has(name)),
    tagsChanged: [...news].flatMap(([name, facts]) => {
      const old = olds.get(name)
      const what = old ? diffSettings(old, facts).map((each) => each.name) : []
      return what.length > 0 ? [{ tag: name, what }] : []
    }),
  }
}

type Facts = ReadonlyMap<string, unknown>

/** Driver, options, and what each group has beside its tags. */
function settingsOf({ driver, options, groups }: DeviceConfig): Facts {
  const ofGroups = groups.flatMap(({ name, tags: _, ...rest }) =>
    Object.entries(rest).map(([key, value]): [string, unknown] => [`${name}.${key}`, value]),
  )
  const shown = hideSecrets(options) as DeviceConfig['options']
  return new Map<string, unknown>([['driver', driver], ...Object.entries(shown), ...ofGroups])
}

function tagsByName({ groups }: DeviceConfig): ReadonlyMap<string, Facts> {
  return new Map(
    groups.flatMap((group) =>
      group.tags.map((tag): [string, Facts] => [tag.tag.name, factsOf(tag, group.name)]),
    ),
  )
}

function factsOf({ tag, ...rules }: TagConfig, group: string): Facts {
  const { id: _, name: __, address, ...rest } = tag
  return new Map(Object.entries({ group, ...rest, ...address, ...rules }))
}

function diffSettings(before: Facts, after: Facts): Changed['settings'] {
  const names = new Set([...before.keys(), ...after.keys()])
  return [...names].flatMap((name) => {
    const [from, to] = [before.get(name), after.get(name)]
    const isSame = formatCanonicalJson(from ?? null) === formatCanonicalJson(to ?? null)
    return isSame ? [] : [{ name, from: show(from), to: show(to) }]
  })
}

function show(value: unknown): string {
  if (value === undefined || value === null) return ''
  const text = typeof value === 'object' ? JSON.stringify(value) : String(value)
  return text.length > MAX_VALUE_CHARS ? `${text.slice(0, MAX_VALUE_CHARS)}…` : text
}
