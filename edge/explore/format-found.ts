/** Found registers and nodes as configuration. */
import { formatDevices, idOf } from '../config-schema/format-devices.ts'
import type { BrowsedServer } from '../drivers/opcua/browse.ts'
import type { ScannedUnit, ScanOptions } from './scan-modbus.ts'

/** One group a unit; every register by itself, because only a person knows which ones belong together. */
export function formatScan(scanned: readonly ScannedUnit[], options: ScanOptions): string {
  const { host, port, table } = options
  const groups = scanned
    .filter(({ values }) => values.size > 0)
    .map(({ unit, values }) => ({
      head: { name: `unit-${unit}`, intervalMs: 1000 },
      tags: [...values].map(([address, value]) => ({
        tag: {
          name: `Unit${unit}/${table}${address}`,
          type: table === 'coil' || table === 'discrete' ? 'Boolean' : 'UInt16',
          unitId: unit,
          table,
          address,
        },
        remark: `was ${value}`,
      })),
    }))
  if (groups.length === 0) return ''
  const head = { id: idOf(`modbus-${host}`), driver: 'modbus', host, port }
  return formatDevices([{ head, groups }])
}

export interface BrowsedText {
  endpoint: string
  security?: string
  trust?: readonly string[]
}

/** One subscribed group with every variable that has a type of ours. */
export function formatBrowse({ tags }: BrowsedServer, from: BrowsedText): string {
  if (tags.length === 0) return ''
  const { endpoint, security, trust } = from
  const id = idOf(`opcua-${endpoint.replace(/^opc\.tcp:\/\//, '').replace(/\/.*$/, '')}`)
  const rows = tags.map(({ name, type, unit, nodeId, access, isArray }) => ({
    tag: { name, type, ...(unit ? { unit } : {}), nodeId },
    remark: isArray ? 'an array, as JSON' : access === 'write' ? 'can be written' : undefined,
  }))
  const group = { head: { name: 'all', intervalMs: 1000, mode: 'subscribe' }, tags: rows }
  const head = { id, driver: 'opcua', endpoint, security, trust: trust?.length ? trust : undefined }
  return formatDevices([{ head, groups: [group] }])
}
