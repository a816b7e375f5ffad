/** Instants on the page: a time, or how long ago, always with the full date behind it. */

import { formatDuration, formatInstant, type InstantStyle } from '../i18n/format.ts'
import { useWords } from '../i18n/language.tsx'
import { usePlace } from '../i18n/place.ts'
import { useNow } from './now.ts'

interface WhenProps {
  at: number
  site?: string
  style?: InstantStyle
}

export function When({ at, site, style = 'full' }: WhenProps) {
  const place = usePlace(site)
  return (
    <time dateTime={new Date(at).toISOString()} title={formatInstant(at, 'full', place)}>
      {formatInstant(at, style, place)}
    </time>
  )
}

interface SinceProps {
  at: number
  site?: string
  /** Where the word stands already, as in the head of a column: "12:03:10 (4 min)". */
  plain?: boolean
}

/** "since 12:03:10 (4 min)". */
export function Since({ at, site, plain = false }: SinceProps) {
  const { t, language } = useWords()
  const place = usePlace(site)
  const now = useNow()
  const words = t(plain ? 'since.plain' : 'since', {
    time: formatInstant(at, now - at > 43_200_000 ? 'full' : 'time', place),
    age: formatDuration(now - at, language),
  })
  return (
    <time dateTime={new Date(at).toISOString()} title={formatInstant(at, 'full', place)}>
      {words}
    </time>
  )
}

/** Farther ahead than this a time of day says nothing without its day. */
const soonMs = 43_200_000

/** When something will be over, in words: the time of day, with the day when that is not soon. */
export function useUntil(site: string): (at: number) => string {
  const place = usePlace(site)
  const now = useNow()
  return (at) => formatInstant(at, at - now > soonMs ? 'moment' : 'minute', place)
}
