/** `mimamori edge read`: one tag of a configuration, read once over a connection of its own. */
import { join, resolve } from 'node:path'
import { Fault } from '../../protocol/kit/fault.ts'
import { nearest } from '../../protocol/kit/nearest.ts'
import { quality, type Sample } from '../../protocol/model.ts'
import { createTagState, takeReading } from '../acquisition/condition.ts'
import { type GatewayConfig, loadGatewayConfig } from '../config.ts'
import type { DeviceConfig, GroupConfig, TagConfig } from '../device-config.ts'
import { loadDriver } from '../drivers/registry.ts'

export interface ReadTag {
  found: FoundTag
  /** After scale, limits and type, as the gateway would send it. */
  sample: Sample
  /** As the device gave it. */
  raw: Sample
  /** Of the status, in words of its protocol. */
  meaning?: string
  tookMs: number
}

export interface FoundTag {
  device: DeviceConfig
  group: GroupConfig
  config: TagConfig
}

/** Reads it. Throws what the driver's connect throws, and Fault 'explore.unknown-tag'. */
export async function readTag(file: string, name: string, signal: AbortSignal): Promise<ReadTag> {
  const config = await loadGatewayConfig(file)
  const found = findTag(config, name)
  const { id, driver, options } = found.device
  const module = await loadDriver(driver)
  const stateDir = join(resolve(config.baseDir, config.dataDir), 'devices', id)
  const context = { device: id, stateDir, baseDir: config.baseDir }
  const startedMs = performance.now()
  await using connection = await module.createDriver(options, context).connect(signal)
  const [raw] = await connection.read([found.config.tag], signal)
  if (!raw) throw new Fault('internal', { what: `driver ${driver} read nothing of ${name}` })
  const tookMs = performance.now() - startedMs
  const meaning = raw.status ? await module.sayStatus?.(raw.status) : undefined
  return { found, sample: condition(raw, found), raw, meaning, tookMs }
}

/** By its id, or by `device/name`. Throws Fault 'explore.unknown-tag'. */
export function findTag({ devices }: GatewayConfig, name: string): FoundTag {
  const all = devices.flatMap((device) =>
    device.groups.flatMap((group) => group.tags.map((config) => ({ device, group, config }))),
  )
  const found = all.find(({ device, config: { tag } }) => {
    return tag.id === name || `${device.id}/${tag.name}` === name
  })
  if (found) return found
  const names = all.map(({ device, config: { tag } }) => `${device.id}/${tag.name}`)
  const near = nearest(name, names)
  const hint = near ? `did you mean "${near}"?` : `write it as device/name, e.g. ${names[0]}`
  throw new Fault('explore.unknown-tag', { tag: name, hint: hint.replace(/\?$/, '') })
}

function condition(raw: Sample, { group, config }: FoundTag): Sample {
  const { tag, scale, offset, min, max } = config
  const rule = { type: tag.type, scale, offset, min, max, maxSilenceMs: group.maxSilenceMs }
  const clocks = { wallMs: Date.now(), monoMs: performance.now() }
  return takeReading(createTagState(tag.id, rule, clocks.monoMs), raw, clocks) ?? raw
}

/** A few lines for a terminal. */
export function formatReadTag({ found, sample, raw, meaning, tookMs }: ReadTag): string {
  const { tag } = found.config
  const words = { [quality.good]: 'good', [quality.stale]: 'stale', [quality.bad]: 'bad' }
  const { value, status } = sample
  const shown = value === null ? 'none' : `${value}${tag.unit ? ` ${tag.unit}` : ''}`
  return [
    `tag      ${tag.id}`,
    `value    ${shown}`,
    `quality  ${words[sample.quality]}`,
    ...(status === undefined
      ? []
      : [`status   ${status} (0x${status.toString(16)})${meaning ? ` ${meaning}` : ''}`]),
    ...(value === null && raw.value !== null
      ? [`raw      ${raw.value}, which is no ${tag.type} after scale, or beyond min and max`]
      : []),
    `time     ${new Date(sample.at).toISOString()}`,
    `took     ${Math.round(tookMs)} ms, connecting included`,
  ].join('\n')
}
