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
