/** Rows and samples of a range of batches tell the host the same as samples alone. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { quality, type Sample, type Tag, type TagId } from '../../protocol/model.ts'
import { decodePayload, type Metric } from '../../protocol/sparkplug/payload.ts'
import { writeData } from '../../protocol/sparkplug/payload-writer.ts'
import type { DataPart } from '../../protocol/sparkplug/wire-form.ts'
import { Parts, type Row, type RowTags } from '../readings.ts'
import { createCatalogue } from './catalogue.ts'
import { collectData, splitData } from './device-data.ts'

const types = ['UInt16', 'Int32', 'Float', 'Double'] as const
const createTags = (prefix: string, kinds: readonly Tag['type'][]) =>
  Array.from({ length: 1200 }, (_, i): Tag => {
    const name = `${prefix}${i}`
    return { id: `s/g/plc/${name}`, name, type: kinds[i % kinds.length]!, address: {} }
  })
const tags = createTags('T', types)
const of: RowTags = { tags: tags.map(({ id }) => id) }
/** A group with numbers that cannot travel as they stand. */
const mixedTags = createTags('M', [...types, 'Int64', 'Boolean'])
const mixed: RowTags = { tags: mixedTags.map(({ id }) => id) }

function openCatalogue(known = [...tags, ...mixedTags]) {
  const catalogue = createCatalogue()
  const latest = () => undefined
  catalogue.birth({ device: 'plc', online: true, tags: known, latest }, 0)
  return catalogue
}

const rowOf = (at: number, value: number, count = tags.length): Row => {
  const places = Int32Array.from({ length: count }, (_, i) => i)
  return { of, at, places, values: new Float64Array(count).fill(value) }
}

/** Metrics that need no sample each. */
const countInRows = (list: readonly DataPart[]) =>
  list.reduce((sum, part) => sum + ('places' in part ? part.values.length : 0), 0)

/** What the messages say, and how many metrics are in each. */
function tell(
  samples: Sample[] | Parts,
  { historical = false, known = [...tags, ...mixedTags] } = {},
) {
  const catalogue = openCatalogue(known)
  const { byDevice, ...rest } = collectData(
    [{ number: 1, samples, gaps: [] }],
    catalogue,
    historical,
  )
  const sent = [...byDevice].flatMap((data) => [...splitData(data)])
  const messages = sent.map((message) => decodePayload(writeData({ at: 1, seq: 0 }, message)))
  const metrics = messages.flatMap((message): Metric[] => message.metrics)
  const inRows = countInRows(sent.flatMap(({ parts }) => parts))
  return { ...rest, metrics, inRows, sizes: messages.map((message) => message.metrics.length) }
}

test('the same metrics in the same order', () => {
  const anyRow = fc
    .record({
      group: fc.constantFrom(of, of, mixed),
      at: fc.nat(5),
      value: fc.constantFrom(0, 1, 1, 7, -1, 2.5, 70_000),
      places: fc.uniqueArray(fc.nat(11), { minLength: 1 }),
    })
    .map(({ group, at, value, places }): Row => {
      const values = new Float64Array(places.length).fill(value)
      return { of: group, at, places: Int32Array.from(places.sort((a, b) => a - b)), values }
    })
  const anySample = fc.record({ at: fc.nat(5), value: fc.constantFrom('x', 'yy') })
  let inRows = 0
  fc.assert(
    fc.property(
      fc.array(fc.oneof(anyRow, anySample), { maxLength: 4 }),
      fc.boolean(),
      (list, historical) => {
        const tag: TagId = 's/g/plc/Left'
        const parts = list.map((part): Row | Sample[] =>
          'places' in part ? part : [{ tag, ...part, quality: quality.good }],
        )
        const rows = new Parts(parts)
        const told = tell(rows, { historical })
        inRows += told.inRows
        expect(told).toEqual({ ...tell([...rows], { historical }), inRows: told.inRows })
      },
    ),
    { numRuns: 200 },
  )
  expect(inRows).toBeGreaterThan(100)
})

test('three polls of a large group go out in messages that every broker takes', () => {
  const rows = new Parts([rowOf(1, 1), rowOf(2, 0), rowOf(3, 1)])
  const told = tell(rows)
  expect(told.sizes).toEqual([2000, 1600])
  expect(told.inRows).toBe(3600)
  expect(told.metrics).toEqual(tell([...rows]).metrics)
})

test('a row with a tag that left the configuration is told sample by sample, its device born again', () => {
  const { unborn, samples, metrics } = tell(new Parts([rowOf(1, 1)]), { known: tags.slice(1) })
  expect([...unborn]).toEqual(['plc'])
  expect(samples).toBe(tags.length)
  expect(metrics).toHaveLength(tags.length)
})
