/** Devices as the `devices` part of a configuration, one line a tag: what scans, browsing and importers print. */
import { stringify } from 'yaml'

/** The YAML of a device, its tags on one line each with a remark behind. */
export interface DeviceText {
  head: Record<string, unknown>
  groups: { head: Record<string, unknown>; tags: TagText[] }[]
}

export interface TagText {
  tag: Record<string, unknown>
  remark?: string
}

/** `devices:` with one entry each, ready to be pasted into `gateway.yaml`. */
export function formatDevices(devices: readonly DeviceText[]): string {
  const lines = devices.flatMap(({ head, groups }) => [
    ...item(head, '  '),
    '    groups:',
    ...groups.flatMap((group) => [
      ...item(group.head, '      '),
      '        tags:',
      ...group.tags.map(({ tag, remark }) => {
        const text = `          - ${flow(tag)}`
        return remark === undefined ? text : `${text} # ${remark.replaceAll(/\s+/g, ' ')}`
      }),
    ]),
  ])
  return ['devices:', ...lines, ''].join('\n')
}

/** A mapping as an entry of a list. */
function item(head: Record<string, unknown>, indent: string): string[] {
  return Object.entries(head)
    .filter(([, value]) => value !== undefined)
    .map(([key, value], i) => `${indent}${i === 0 ? '- ' : '  '}${key}: ${flow(value)}`)
}

function flow(value: unknown): string {
  const options = { collectionStyle: 'flow', lineWidth: 0 } as const
  return stringify(value, options).trimEnd()
}

/** A device id may hold letters, digits, `_`, `.` and `-` only. */
export function idOf(text: string): string {
  return text.replaceAll(/[^A-Za-z0-9_.-]+/g, '-').slice(0, 64)
}
