/** Hours of the week in the time zone of the site: is this instant within them? */
import { type ScheduleEntry, type Weekday, weekdays } from './policy.ts'

interface LocalTime {
  day: Weekday
  /** `HH:MM`, so that text order is time order. */
  clock: string
}

/** True when `at` (Unix ms), on the site's clock, lies in one of the entries (from inclusive, to exclusive). */
export function isWithinSchedule(
  schedule: readonly ScheduleEntry[],
  at: number,
  timeZone: string,
): boolean {
  const { day, clock } = localTime(at, timeZone)
  const yesterday = weekdays[(weekdays.indexOf(day) + 6) % 7] as Weekday
  return schedule.some(({ days, from, to }) => {
    if (from < to) return days.includes(day) && from <= clock && clock < to
    // Past midnight: the evening of a listed day, or the morning after one.
    return (days.includes(day) && from <= clock) || (days.includes(yesterday) && clock < to)
  })
}

function localTime(at: number, timeZone: string): LocalTime {
  const parts = new Intl.DateTimeFormat('en-GB', {
    timeZone,
    weekday: 'short',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  }).formatToParts(at)
  const part = (type: string) => parts.find((candidate) => candidate.type === type)?.value ?? ''
  return {
    day: part('weekday').toLowerCase() as Weekday,
    clock: `${part('hour')}:${part('minute')}`,
  }
}
