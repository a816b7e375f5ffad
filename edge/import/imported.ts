/** What an importer makes of a foreign file: devices of ours, and a line for everything it left. */
import { type DeviceText, formatDevices, type TagText } from '../config-schema/format-devices.ts'
import type { Table } from '../drivers/modbus/address-schema.ts'

/** Something of the foreign file that is not in ours, or not certain there. */
export interface Left {
  line: number
  say: string
}

export interface Imported {
  devices: DeviceText[]
  left: Left[]
}

export interface ImportOptions {
  file: string
  /** Namespace URIs by index: an index is no name, it may change at every start of the server. */
  namespaces: Readonly<Record<string, string>>
}

/** The YAML for stdout and the report for stderr. */
export function formatImported({ devices, left }: Imported, file: string) {
  const tags = devices.flatMap(({ groups }) => groups.flatMap((group) => group.tags))
  const sorted = left.toSorted((a, b) => a.line - b.line)
  const report = [
    ...sorted.map(({ line, say }) => `${file}:${line} ${say}`),
    `${file}: ${devices.length} device(s), ${tags.length} tag(s) taken; ${left.length} remark(s)`,
  ].join('\n')
  return { config: devices.length > 0 ? formatDevices(devices) : '', report }
}

/** Ours reads no faster. */
export const MIN_POLL_MS = 50
/** A Modbus device of ours waits neither shorter nor longer. */
const TIMEOUT_MS = { least: 50, most: 60_000 }

export function boundTimeoutMs(timeoutMs: number | undefined): number | undefined {
  if (timeoutMs === undefined) return undefined
  return Math.min(TIMEOUT_MS.most, Math.max(TIMEOUT_MS.least, Math.round(timeoutMs)))
}

/** A second tag of a name gets a number: names differ by more than case. */
export function createNames(): (wanted: string) => string {
  const taken = new Set<string>()
  return (wanted) => {
    for (let turn = 1; ; turn++) {
      const name = turn === 1 ? wanted : `${wanted} (${turn})`
      if (taken.has(name.toLowerCase())) continue
      taken.add(name.toLowerCase())
      return name
    }
  }
}

/** A tag of a Modbus device, with what is usual left out. */
export function createModbusTag(tag: {
  name: string
  type: string
  table: Table
  address: number
  encoding?: string
  byteOrder?: string
  scale?: number
  registers?: number
  bit?: number
  unitId?: number
}): TagText {
  const { scale, byteOrder, ...rest } = tag
  const kept = {
    ...rest,
    ...(byteOrder === undefined || byteOrder === 'ABCD' ? {} : { byteOrder }),
    ...(scale === undefined || scale === 1 ? {} : { scale }),
  }
  const given = Object.entries(kept).filter(([, value]) => value !== undefined)
  return { tag: Object.fromEntries(given) }
}

/** `ns=2;s=Press.PS1` by the URI of its namespace; undefined where that is not known. */
export function bindNodeId(
  { index, identifier }: { index: string; identifier: string },
  { namespaces }: ImportOptions,
): string | undefined {
  if (index === '0') return identifier
  const uri = namespaces[index]
  return uri === undefined ? undefined : `nsu=${uri};${identifier}`
}

/** Why a node was left, with what to do. */
export function sayNoNamespace(name: string, index: string): string {
  return `"${name}" left: namespace ${index} is a number that may change; say which it is with --namespace ${index}=URI (\`mimamori edge browse\` shows it)`
}
