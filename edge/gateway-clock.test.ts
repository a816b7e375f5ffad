/** The gateway's idea of the time: never set, stepped, drifting, and told by the cloud over lines of any delay. */
import { expect, test } from 'vitest'
import type { Sample } from '../protocol/model.ts'
import { createClockHold, createGatewayClock, degradeUnset } from './gateway-clock.ts'

const TRUE_AT = Date.UTC(2026, 10, 22, 12)

/** A machine whose monotonic clock runs from 0, and whose wall clock is off by so much. */
function openMachine(offMs: number) {
  const machine = { monoMs: 0, offMs }
  const sources = {
    wallMs: () => TRUE_AT + machine.monoMs + machine.offMs,
    monoMs: () => machine.monoMs,
  }
  const clock = createGatewayClock(sources)
  return {
    machine,
    sources,
    clock,
    trueAt: () => TRUE_AT + machine.monoMs,
    hear: (lateMs: number) => clock.hear(TRUE_AT + machine.monoMs - lateMs),
  }
}
const sample = (at: number): Sample => ({ tag: 'a/b/c/d', at, value: 1, quality: 192 })

test('the machine is believed while it and the cloud agree, slow line or not', () => {
  const { clock, sources, hear, machine } = openMachine(0)
  for (const lateMs of [4000, 300, 6000]) {
    machine.monoMs += 1000
    hear(lateMs)
  }
  expect(clock.state()).toEqual({ isSet: true, offsetMs: -300, isCorrected: false })
  expect(clock.now()).toBe(sources.wallMs())
})

test.each([
  ['two hours ahead', 7_200_000],
  ['three hours behind', -10_800_000],
  ['in 1970', -TRUE_AT + 1000],
])('a clock %s is put right by the first word of the cloud, readings too', (_, offMs) => {
  const { clock, sources, hear, trueAt } = openMachine(offMs)
  hear(200)
  expect(clock.now()).toBe(trueAt() - 200)
  expect(clock.state()).toMatchObject({ isSet: true, isCorrected: true })
  // Its own stamp moves; a source that knew the right time keeps its own.
  const [own, source] = clock.correct([sample(sources.wallMs() - 50), sample(trueAt() - 50)])
  expect(own?.at).toBe(trueAt() - 250)
  expect(source?.at).toBe(trueAt() - 50)
})

test('a step while connected changes nothing of the time that is told', () => {
  const { clock, machine, hear, trueAt } = openMachine(0)
  hear(0)
  for (const offMs of [7_200_000, -10_800_000, -TRUE_AT, 0]) {
    machine.offMs = offMs
    machine.monoMs += 4000
    expect(clock.now()).toBe(trueAt())
  }
})

test('F31: a drift of 100 ppm over 30 days is measured, and never moves a reading by more than ten seconds', () => {
  const { clock, machine, sources, hear, trueAt } = openMachine(0)
  for (let hour = 0; hour <= 720; hour++) {
    machine.monoMs = hour * 3_600_000
    machine.offMs = Math.round(machine.monoMs * 1e-4)
    hear(100)
    const [told] = clock.correct([sample(sources.wallMs())])
    expect(Math.abs((told?.at ?? 0) - trueAt())).toBeLessThanOrEqual(10_100)
  }
  expect(clock.state().offsetMs).toBe(-259_300)
  expect(clock.state().isCorrected).toBe(true)
})

test('a word from before anything of this product existed is no word', () => {
  const { clock, hear } = openMachine(0)
  hear(TRUE_AT)
  expect(clock.state().offsetMs).toBeUndefined()
})

test('what was read before the clock was set goes on in order, at the instants it was read', () => {
  const { clock, machine, sources, trueAt } = openMachine(-TRUE_AT + 1000)
  const hold = createClockHold(clock, sources)
  const readAt: number[] = []
  for (let i = 0; i < 3; i++) {
    machine.monoMs += 1000
    readAt.push(trueAt())
    expect(hold.pass([sample(sources.wallMs())])).toEqual([])
  }
  expect(hold.held()).toBe(3)
  machine.monoMs += 5000
  machine.offMs = 0
  machine.monoMs += 5000
  expect(hold.pass([sample(sources.wallMs())]).map(({ at }) => at)).toEqual([...readAt, trueAt()])
  expect(hold.held()).toBe(0)
})

test('what found no room while it waited is counted, and told as a gap in true time', () => {
  const { clock, machine, sources, trueAt } = openMachine(-TRUE_AT + 1000)
  const hold = createClockHold(clock, sources)
  const firstAt = trueAt()
  hold.pass(Array.from({ length: 100_000 }, () => sample(sources.wallMs())))
  machine.monoMs += 1000
  hold.pass(Array.from({ length: 10 }, () => sample(sources.wallMs())))
  expect(hold.takeLost()).toBeUndefined()
  machine.offMs = 0
  expect(hold.takeLost()).toEqual({ from: firstAt, to: firstAt + 1, lost: 10 })
  expect(hold.takeLost()).toBeUndefined()
  expect(hold.dropped()).toBe(10)
})

test('a reading with a time of a clock that was never set is not shown as good', () => {
  expect(degradeUnset(sample(86_400_000)).quality).toBe(0)
  expect(degradeUnset(sample(TRUE_AT)).quality).toBe(192)
})
