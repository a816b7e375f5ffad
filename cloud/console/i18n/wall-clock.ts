/** Instants as a `datetime-local` field holds them: the wall clock of a place, to and from Unix ms. Pure. */

/** `2026-11-22T09:30:00` on the clock of that place; without a zone on the browser's. */
export function formatWall(at: number, timeZone: string | undefined): string {
  // Swedish writes dates as ISO 8601 does.
  const format = new Intl.DateTimeFormat('sv-SE', {
    dateStyle: 'short',
    timeStyle: 'medium',
    timeZone,
  })
  return format.format(at).replace(' ', 'T')
}

const offsetMs = (at: number, timeZone: string | undefined) =>
  Date.parse(`${formatWall(at, timeZone)}Z`) - Math.floor(at / 1_000) * 1_000

/** Null for what is no instant, e.g. a field that is half filled in. */
export function parseWall(text: string, timeZone: string | undefined): number | null {
  const asUtc = Date.parse(`${text}Z`)
  if (Number.isNaN(asUtc)) return null
  // The offset is that of the instant sought, not of the one it would be in UTC: twice is enough around a change of clocks.
  const near = asUtc - offsetMs(asUtc, timeZone)
  return asUtc - offsetMs(near, timeZone)
}
