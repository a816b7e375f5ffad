/** What a gateway declares in its births: aliases, types, current values; and how a sample becomes a metric. */

import { FollowMap } from '../../protocol/kit/follow-map.ts'
import {
  type DataType,
  type DeviceId,
  parseTagId,
  quality,
  type Sample,
  type Tag,
  type TagId,
  type TargetSummary,
} from '../../protocol/model.ts'
import { nodeMetrics } from '../../protocol/sparkplug/delivery.ts'
import { guessType, type Metric } from '../../protocol/sparkplug/payload.ts'
import { encodeValue } from '../../protocol/sparkplug/values.ts'
import { createWireForm, isPlain, type WireForm } from '../../protocol/sparkplug/wire-form.ts'
import { createRowForms, type RowFormsBook } from './row-forms.ts'

/** One device as the gateway knows it now. */
export interface DeviceView {
  device: DeviceId
  online: boolean
  tags: readonly Tag[]
  /** The newest sample of a tag, if there is one. */
  latest(tag: TagId): Sample | undefined
}

/** A longer text would make a message no host accepts. */
const MAX_TEXT = 64 * 1024

export interface Declared {
  device: DeviceId
  name: string
  alias: number
  type: DataType
  unit?: string
  form: WireForm
  /** No view lists it any more; told only because its samples still wait. */
  isOrphan?: true
}

/** Aliases are unique over the node and never given twice (tck-id-payloads-alias-uniqueness). */
export interface Catalogue {
  /** Every metric of a DBIRTH, with its current value; from now on these are declared. */
  birth(view: DeviceView, now: number): Metric[]
  /** True when the last birth of this device told exactly these tags. */
  isDeclared(view: DeviceView): boolean
  /** Forgets what was declared (a new birth sequence begins); aliases stay. */
  restart(): void
  /** The declared metric behind a tag. */
  known(tag: TagId): Declared | undefined
  /** The same for a whole row. */
  knownRow: RowFormsBook['of']
  /** The same for a tag not known yet. A tag no view lists any more is added to its device, which needs a birth then. */
  declare(sample: Sample): Declared | undefined
  /** The tag a command means, by alias or by name. */
  find(device: DeviceId, metric: Metric): { id: TagId; declared: Declared } | undefined
  /** Devices that have been declared. */
  devices(): DeviceId[]
  /** Values that did not fit their declared type, sent as bad ones instead. */
  misfits(): number
  /** The sample itself where its value fits, else as a bad one. */
  fitSample(sample: Sample, declared: Declared): Sample
}

/** Aliases of node metrics; device tags follow. `Node Control/Rebirth` must not have one, `bdSeq` needs its name in NDEATH. */
const nodeAliases = {
  [nodeMetrics.software]: 1,
  [nodeMetrics.targets]: 2,
  [nodeMetrics.from]: 3,
  [nodeMetrics.watermark]: 4,
  [nodeMetrics.acknowledged]: 5,
  [nodeMetrics.gap]: 6,
  [nodeMetrics.store]: 7,
} as const
const FIRST_TAG_ALIAS = 16

export function createCatalogue(): Catalogue {
  const aliases = new Map<TagId, number>()
  const declared = new Map<DeviceId, Map<TagId, Declared>>()
  /** The same by tag alone: every sample asks. */
  const known = new FollowMap<Declared>()
  const rowForms = createRowForms((tag) => known.get(tag))
  let misfits = 0

  const declareAs = (id: TagId, entry: Omit<Declared, 'alias' | 'form'>): Declared => {
    const alias = aliases.get(id) ?? FIRST_TAG_ALIAS + aliases.size
    aliases.set(id, alias)
    const full = { ...entry, alias, form: createWireForm(alias, entry.type) }
    const device = declared.get(entry.device) ?? new Map<TagId, Declared>()
    declared.set(entry.device, device.set(id, full))
    known.set(id, full)
    rowForms.forget()
    return full
  }
  /** A tag that left the configuration must not be born again; one whose samples wait is declared anew. */
  const forgetLeft = ({ device, tags }: DeviceView) => {
    const kept = new Set(tags.map(({ id }) => id))
    const entries = declared.get(device)
    for (const [id, { isOrphan }] of entries ?? []) {
      if (kept.has(id) || isOrphan) continue
      entries?.delete(id)
      known.delete(id)
      rowForms.forget()
    }
  }
  const fitSample = (sample: Sample, { form }: Declared): Sample => {
    if (isPlain(sample.value, form) || fits(sample, form.type)) return sample
    misfits += 1
    return { ...sample, value: null, quality: quality.bad }
  }
  const toMetric = (raw: Sample, declared: Declared): Metric => {
    const { alias, type } = declared
    const sample = fitSample(raw, declared)
    const metric: Metric = { alias, at: sample.at, type, value: sample.value }
    if (sample.quality !== quality.good) metric.quality = sample.quality
    if (sample.status !== undefined) metric.status = sample.status
    return metric
  }
  return {
    birth(view, now) {
      forgetLeft(view)
      for (const { id, name, type, unit } of view.tags) {
        declareAs(id, { device: view.device, name, type, unit })
      }
      const entries = declared.get(view.device) ?? new Map<TagId, Declared>()
      return [...entries]
        .map(([id, entry]) => {
          const sample = view.latest(id) ?? {
            tag: id,
            at: now,
            value: null,
            quality: quality.stale,
          }
          return { ...toMetric(sample, entry), name: entry.name, unit: entry.unit }
        })
        .sort(byTime)
    },
    isDeclared({ device, tags }) {
      const entries = declared.get(device)
      if (entries?.size !== tags.length) return false
      return tags.every(({ id, name, type, unit }) => {
        const entry = entries.get(id)
        return entry?.name === name && entry.type === type && entry.unit === unit
      })
    },
    restart() {
      declared.clear()
      known.clear()
      rowForms.forget()
    },
    known: (tag) => known.get(tag),
    knownRow: rowForms.of,
    declare(sample) {
      const path = parseTagId(sample.tag)
      if (!path) return undefined
      const entry = { device: path.device, name: path.name, type: guessType(sample.value) }
      const orphan = { ...entry, isOrphan: true as const }
      return declareAs(sample.tag, orphan)
    },
    find(device, metric) {
      for (const [id, entry] of declared.get(device) ?? []) {
        const same =
          metric.name === undefined ? metric.alias === entry.alias : metric.name === entry.name
        if (same) return { id, declared: entry }
      }
      return undefined
    },
    devices: () => [...declared.keys()],
    misfits: () => misfits,
    fitSample,
  }
}

/** tck-id-operational-behavior-data-publish-dbirth-order. */
export function byTime(a: Metric, b: Metric): number {
  return (a.at ?? 0) - (b.at ?? 0)
}

function fits({ value }: Sample, type: DataType): boolean {
  if (value === null) return true
  if (typeof value === 'string' && value.length > MAX_TEXT) return false
  return encodeValue(value, type) !== undefined
}

/** All node metrics (tck-id-topics-nbirth-metric-reqs); data metrics of the watermark start as null. */
export function createNodeBirth(node: {
  bdSeq: number
  software: string
  targets: readonly TargetSummary[]
  store: string
  now: number
}): Metric[] {
  const at = node.now
  const aliased = (name: keyof typeof nodeAliases, rest: Omit<Metric, 'name'>): Metric => ({
    name,
    alias: nodeAliases[name],
    at,
    ...rest,
  })
  return [
    createBdSeq(node.bdSeq, at),
    { name: nodeMetrics.rebirth, at, type: 'Boolean', value: false },
    aliased(nodeMetrics.software, { type: 'String', value: node.software }),
    aliased(nodeMetrics.targets, { type: 'String', value: JSON.stringify(node.targets) }),
    aliased(nodeMetrics.from, { type: 'Int64', value: null }),
    aliased(nodeMetrics.watermark, { type: 'Int64', value: null }),
    aliased(nodeMetrics.acknowledged, { type: 'Int64', value: null }),
    aliased(nodeMetrics.gap, { type: 'String', value: null }),
    aliased(nodeMetrics.store, { type: 'String', value: node.store }),
  ]
}

/** The one metric of NDEATH, and the first of NBIRTH. */
export function createBdSeq(bdSeq: number, at: number): Metric {
  return { name: nodeMetrics.bdSeq, at, type: 'Int64', value: BigInt(bdSeq) }
}

/** A node metric in NDATA: by alias only (tck-id-payloads-alias-data-cmd-requirement). */
export function createNodeMetric(
  name: keyof typeof nodeAliases,
  rest: Omit<Metric, 'name' | 'alias'>,
): Metric {
  return { alias: nodeAliases[name], ...rest }
}

/** The name of a node metric in a command, whether it came by name or by alias. */
export function nodeMetricName(metric: Metric): string | undefined {
  if (metric.name !== undefined) return metric.name
  return Object.entries(nodeAliases).find(([, alias]) => alias === metric.alias)?.[0]
}
