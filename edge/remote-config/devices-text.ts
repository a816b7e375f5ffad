/** The devices of a configuration on their way to and from the cloud: without passwords, and with a hash of what they say. */
import { createHash } from 'node:crypto'
import { stringify } from 'yaml'
import { formatCanonicalJson } from '../../protocol/kit/canonical-json.ts'
import type { ConfigProblem, Path } from '../../protocol/kit/schema.ts'

/** Stands where a password is: it never leaves the site, and comes back as this. */
export const KEPT = '(kept at the site)'
/** Options that are secrets, whatever the driver. */
const SECRETS: ReadonlySet<string> = new Set(['password'])

/** The same value with every secret replaced. */
export function hideSecrets(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(hideSecrets)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [
      key,
      SECRETS.has(key) && member !== undefined ? KEPT : hideSecrets(member),
    ]),
  )
}

/** YAML that the cloud may see. Comments of the site's file stay there: nobody knows what is in them. */
export function formatDevices(devices: unknown): string {
  return stringify({ devices: hideSecrets(devices) }, { lineWidth: 0, flowCollectionPadding: true })
}

/** SHA-256, hex: equal for devices that say the same, whatever the layout, the comments and the passwords. */
export function hashDevices(devices: unknown): string {
  return createHash('sha256')
    .update(formatCanonicalJson(hideSecrets(devices)))
    .digest('hex')
}

/** SHA-256 of a text, hex. */
export function hashText(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

/** Puts the site's own secrets back in their places; one that is not there, or a new one, is a problem. */
export function restoreSecrets(
  devices: readonly unknown[],
  site: readonly unknown[],
): { devices: unknown[]; problems: ConfigProblem[] } {
  const problems: ConfigProblem[] = []
  const restored = devices.map((device, index) => {
    const id = memberOf(device, 'id')
    const own = site.find((other) => id !== undefined && memberOf(other, 'id') === id)
    return restore(device, { own, path: ['devices', index], problems })
  })
  return { devices: restored, problems }
}

interface Place {
  /** What the site's file has at the same place. */
  own: unknown
  path: Path
  problems: ConfigProblem[]
}

function restore(value: unknown, { own, path, problems }: Place): unknown {
  if (Array.isArray(value)) {
    return value.map((member, i) =>
      restore(member, {
        own: Array.isArray(own) ? own[i] : undefined,
        path: [...path, i],
        problems,
      }),
    )
  }
  if (typeof value !== 'object' || value === null) return value
  const members = Object.entries(value).map(([key, member]): [string, unknown] => {
    const place = { own: memberOf(own, key), path: [...path, key], problems }
    if (!SECRETS.has(key)) return [key, restore(member, place)]
    if (member !== KEPT) {
      problems.push({ path: place.path, say: `is set at the site only; write "${KEPT}"` })
    } else if (place.own === undefined) {
      problems.push({ path: place.path, say: 'the site keeps none for this device' })
    }
    return [key, place.own ?? '']
  })
  return Object.fromEntries(members)
}

function memberOf(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, key)
    ? (value as Record<string, unknown>)[key]
    : undefined
}
