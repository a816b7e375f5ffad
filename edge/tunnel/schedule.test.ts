/** Hours of the week on the site's own clock. */
import { expect, test } from 'vitest'
import type { ScheduleEntry } from './policy.ts'
import { isWithinSchedule } from './schedule.ts'

const weekdaysOnly: ScheduleEntry[] = [
  { days: ['mon', 'tue', 'wed', 'thu', 'fri'], from: '08:00', to: '17:00' },
]
const night: ScheduleEntry[] = [{ days: ['sat'], from: '22:00', to: '02:00' }]
const isIn = (schedule: ScheduleEntry[], instant: string, zone: string) =>
  isWithinSchedule(schedule, Date.parse(instant), zone)

test("the site's time zone counts, not ours", () => {
  // 2026-11-23 is a Monday; 23:30 UTC of Sunday is 08:30 of Monday in Tokyo.
  expect(isIn(weekdaysOnly, '2026-11-22T23:30:00Z', 'Asia/Tokyo')).toBe(true)
  expect(isIn(weekdaysOnly, '2026-11-22T23:30:00Z', 'UTC')).toBe(false)
  expect(isIn(weekdaysOnly, '2026-11-27T08:30:00Z', 'Asia/Tokyo')).toBe(false)
})

test('the first minute is in, the last is out', () => {
  expect(isIn(weekdaysOnly, '2026-11-23T08:00:00Z', 'UTC')).toBe(true)
  expect(isIn(weekdaysOnly, '2026-11-23T07:59:59Z', 'UTC')).toBe(false)
  expect(isIn(weekdaysOnly, '2026-11-23T16:59:59Z', 'UTC')).toBe(true)
  expect(isIn(weekdaysOnly, '2026-11-23T17:00:00Z', 'UTC')).toBe(false)
})

test('a night shift ends on the morning after, and only after its own night', () => {
  expect(isIn(night, '2026-11-21T23:00:00Z', 'UTC')).toBe(true)
  expect(isIn(night, '2026-11-22T01:59:00Z', 'UTC')).toBe(true)
  expect(isIn(night, '2026-11-22T02:00:00Z', 'UTC')).toBe(false)
  expect(isIn(night, '2026-11-21T01:00:00Z', 'UTC')).toBe(false)
})

test('summer time moves with the clock on the wall', () => {
  const morning: ScheduleEntry[] = [{ days: ['sun'], from: '08:00', to: '09:00' }]
  // Berlin: UTC+1 on 25 October 2026, UTC+2 a week before.
  expect(isIn(morning, '2026-10-25T07:30:00Z', 'Europe/Berlin')).toBe(true)
  expect(isIn(morning, '2026-10-18T07:30:00Z', 'Europe/Berlin')).toBe(false)
  expect(isIn(morning, '2026-10-18T06:30:00Z', 'Europe/Berlin')).toBe(true)
})
