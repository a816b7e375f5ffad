/** What a device's conditioner remembers of its tags from the very start. */
import { expect, test } from 'vitest'
import { quality, type Sample } from '../../protocol/model.ts'
import { createConditioner } from './conditioner.ts'
import { createLinkCounters } from './counters.ts'

const START = Date.UTC(2026, 5, 1)
const tag = { id: 's/g/plc/Running', name: 'Running', type: 'Boolean', address: {} } as const

/** What is told of a standing value read half a second after the start. */
function readAfterStart(at: number): Sample[] {
  const told: Sample[] = []
  const conditioner = createConditioner({
    device: 'plc',
    groups: [{ name: 'state', intervalMs: 1000, mode: 'subscribe', tags: [{ tag }] }],
    isPushed: () => true,
    emit: (_, samples) => void told.push(...samples),
    counters: createLinkCounters(),
    unknownSince: START,
    readClocks: () => ({ wallMs: START + 500, monoMs: 0 }),
  })
  conditioner.take([{ tag: tag.id, at, value: true, quality: quality.good }])
  return told
}
const expected = [{ tag: tag.id, at: START + 500, value: true, quality: quality.good }]

test('a value that has stood since before the gateway started is told as later than the mark of its start', () => {
  expect(readAfterStart(START - 60_000)).toEqual(expected)
})

test('a value from between the start and the first reading is told as later than what the cloud marked meanwhile', () => {
  expect(readAfterStart(START + 300)).toEqual(expected)
})

test('the tags of a device that went mute are bad since its last sign of life, not since that was noticed', () => {
  const told: Sample[] = []
  const clocks = { wallMs: START, monoMs: 0 }
  const level = { ...tag, id: 's/g/plc/Level', name: 'Level', type: 'Double' } as const
  const conditioner = createConditioner({
    device: 'plc',
    groups: [
      { name: 'state', intervalMs: 1000, mode: 'subscribe', tags: [{ tag }, { tag: level }] },
    ],
    isPushed: () => true,
    emit: (_, samples) => void told.push(...samples),
    counters: createLinkCounters(),
    readClocks: () => ({ ...clocks }),
  })
  conditioner.take([{ tag: tag.id, at: START, value: true, quality: quality.good }])
  Object.assign(clocks, { wallMs: START + 5000, monoMs: 5000 })
  conditioner.take([{ tag: level.id, at: START + 5000, value: 7, quality: quality.good }])
  Object.assign(clocks, { wallMs: START + 20_000, monoMs: 20_000 })
  told.length = 0
  conditioner.lose()
  expect(told.map(({ tag: id, at, value, quality: q }) => [id, at - START, value, q])).toEqual([
    [tag.id, 5000, null, quality.bad],
    [level.id, 5001, null, quality.bad],
  ])
})
