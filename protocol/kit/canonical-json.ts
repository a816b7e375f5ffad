/** JSON with sorted keys and no spaces, so that equal values have equal bytes (the part of RFC 8785 that our values need). */

/** Undefined members are left out, as in JSON.stringify. */
export function formatCanonicalJson(value: unknown): string {
  if (value === undefined || typeof value === 'function') return 'null'
  if (typeof value === 'bigint') return JSON.stringify(value.toString())
  if (value === null || typeof value !== 'object') return JSON.stringify(value)
  if (Array.isArray(value)) return `[${value.map(formatCanonicalJson).join(',')}]`
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, member]) => `${JSON.stringify(key)}:${formatCanonicalJson(member)}`)
  return `{${members.join(',')}}`
}
