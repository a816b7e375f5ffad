/** Rows and samples of a range of batches tell the host the same as samples alone. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { quality, type Sample, type Tag, type TagId } from '../../protocol/model.ts'
import { decodePayload, type Metric } from '../../protocol/sparkplug/payload.ts'
import { writeData } from '../../protocol/sparkplug/payload-writer.ts'
import { Parts, type Row, type RowTags } from '../readings.ts'
import { createCatalogue } from './catalogue.ts'
import { collectData, splitData } from './device-data.ts'

const types = ['UInt16', 'Int32', 'Float', 'Double', 'Int64', 'Boolean'] as const
const tags = Array.from({ length: 1200 }, (_, i): Tag => {
  const name = `T${i}`
  return { id: `s/g/plc/${name}`, name, type: types[i % types.length]!, address: {} }
})
const of: RowTags = { tags: tags.map(({ id }) => id) }

function openCatalogue(known = tags) {
  const catalogue = createCatalogue()
  const latest = () => undefined
  catalogue.birth({ device: 'plc', online: true, tags: known, latest }, 0)
  return catalogue
}

const rowOf = (at: number, value: number, count = tags.length): Row => {
  const places = Int32Array.from({ length: count }, (_, i) => i)
  return { of, at, places, values: new Float64Array(count).fill(value) }
}

/** What the messages say, and how many metrics are in each. */
function tell(samples: Sample[] | Parts, { historical = false, known = tags } = {}) {
  const catalogue = openCatalogue(known)
  const { byDevice, ...rest } = collectData(
    [{ number: 1, samples, gaps: [] }],
    catalogue,
    historical,
  )
  const messages = [...byDevice].flatMap((data) =>
    [...splitData(data)].map((message) => decodePayload(writeData({ at: 1, seq: 0 }, message))),
  )
  const metrics = messages.flatMap((message): Metric[] => message.metrics)
  return { ...rest, metrics, sizes: messages.map((message) => message.metrics.length) }
}

test('the same metrics in the same order', () => {
  const anyPart = fc.oneof(
    fc.record({ at: fc.nat(5), value: fc.constantFrom(0, 1, -1, 2.5, 70_000, 1e300) }),
    fc.record({ at: fc.nat(5), text: fc.constantFrom('x', 'yy') }),
  )
  fc.assert(
    fc.property(fc.array(anyPart, { maxLength: 4 }), fc.boolean(), (list, historical) => {
      const parts = list.map((part): Row | Sample[] => {
        if ('value' in part) return rowOf(part.at, part.value, 7)
        const tag: TagId = 's/g/plc/Left'
        return [{ tag, at: part.at, value: part.text, quality: quality.good }]
      })
      const rows = new Parts(parts)
      expect(tell(rows, { historical })).toEqual(tell([...rows], { historical }))
    }),
    { numRuns: 200 },
  )
})

test('three polls of a large group go out in messages that every broker takes', () => {
  const rows = new Parts([rowOf(1, 1), rowOf(2, 0), rowOf(3, 1)])
  const told = tell(rows)
  expect(told.sizes).toEqual([2000, 1600])
  expect(told.metrics.map(({ at, alias }) => [at, alias])).toEqual(
    tell([...rows]).metrics.map(({ at, alias }) => [at, alias]),
  )
})

test('a row with a tag that left the configuration is told sample by sample, its device born again', () => {
  const { unborn, samples, metrics } = tell(new Parts([rowOf(1, 1)]), { known: tags.slice(1) })
  expect([...unborn]).toEqual(['plc'])
  expect(samples).toBe(tags.length)
  expect(metrics).toHaveLength(tags.length)
})
