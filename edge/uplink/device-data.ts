/** The samples of a range of batches, sorted into messages: by device, by time, by size. */
import type { DeviceId, Sample } from '../../protocol/model.ts'
import {
  areAllPlain,
  type DataMessage,
  type DataPart,
  type RowPart,
  type SamplePart,
  type WireForm,
} from '../../protocol/sparkplug/wire-form.ts'
import type { LiveBatch } from '../outbox/outbox.ts'
import { isRow, type Part, partsOf, type Row, toSamples } from '../readings.ts'
import type { Catalogue, Declared } from './catalogue.ts'

/** Metrics in one message: some 30 kB; a message more costs as much as two hundred metrics. */
const MAX_METRICS = 2_000
/** Text values are cut into messages by their length as well: far below any broker's packet limit. */
const MAX_MESSAGE_TEXT = 256 * 1024

/** A row that has to go sample by sample is asked for its tags. */
interface CollectedRow extends RowPart {
  row: Row
}

/** All samples of one device, and how each travels. */
export interface DeviceData {
  device: DeviceId
  parts: (SamplePart | CollectedRow)[]
  historical: boolean
  /** Metrics in all parts. */
  size: number
  /** Characters of all texts. */
  text: number
  isInOrder: boolean
  newestAt: number
}

export interface CollectedData {
  byDevice: Iterable<DeviceData>
  /** Devices that must be declared again before their data goes out. */
  unborn: ReadonlySet<DeviceId>
  samples: number
}

/** Live data is in order of time; history stays in the order in which it was kept. */
export function collectData(
  batches: readonly LiveBatch[],
  catalogue: Catalogue,
  historical: boolean,
): CollectedData {
  const byDevice = new Map<DeviceId, DeviceData>()
  const unborn = new Set<DeviceId>()
  const collector = { byDevice, unborn, catalogue, historical }
  for (const batch of batches) {
    for (const part of partsOf(batch.samples)) collectPart(part, collector)
  }
  let samples = 0
  for (const data of byDevice.values()) {
    samples += data.size
    if (!historical && !data.isInOrder) sortByTime(data, catalogue)
  }
  return { byDevice: byDevice.values(), unborn, samples }
}

interface Collector {
  byDevice: Map<DeviceId, DeviceData>
  unborn: Set<DeviceId>
  catalogue: Catalogue
  historical: boolean
}

function collectPart(part: Part, collector: Collector): void {
  const { catalogue } = collector
  if (isRow(part)) {
    const { at, places, values } = part
    const known = catalogue.knownRow(part.of)
    if (known && areAllPlain({ places, values, forms: known.columns })) {
      const data = dataOf(known.device, collector)
      data.parts.push({ at, places, values, forms: known.columns, row: part })
      noteTime(data, at)
      data.size += values.length
      return
    }
  }
  let data: DeviceData | undefined
  for (const sample of isRow(part) ? toSamples(part) : part) {
    const declared = catalogue.known(sample.tag) ?? declareNew(sample, collector)
    if (!declared) continue
    if (data?.device !== declared.device) data = dataOf(declared.device, collector)
    addSample(data, catalogue.fitSample(sample, declared), declared.form)
  }
}

function addSample(data: DeviceData, sample: Sample, form: WireForm): void {
  if (typeof sample.value === 'string') data.text += sample.value.length
  const { samples, forms } = openSamples(data)
  samples.push(sample)
  forms.push(form)
  noteTime(data, sample.at)
  data.size += 1
}

/** The last part, if samples can be added to it. */
function openSamples({ parts }: DeviceData): { samples: Sample[]; forms: WireForm[] } {
  const last = parts.at(-1)
  if (last && 'samples' in last) return last as { samples: Sample[]; forms: WireForm[] }
  const opened = { samples: [], forms: [] }
  parts.push(opened)
  return opened
}

function noteTime(data: DeviceData, at: number): void {
  if (at < data.newestAt) data.isInOrder = false
  else data.newestAt = at
}

function declareNew(sample: Sample, { catalogue, unborn }: Collector): Declared | undefined {
  const declared = catalogue.declare(sample)
  if (declared) unborn.add(declared.device)
  return declared
}

function dataOf(device: DeviceId, { byDevice, historical }: Collector): DeviceData {
  const known = byDevice.get(device)
  if (known) return known
  const data: DeviceData = {
    ...{ device, parts: [], historical, size: 0, text: 0 },
    ...{ isInOrder: true, newestAt: Number.NEGATIVE_INFINITY },
  }
  byDevice.set(device, data)
  return data
}

/** Nearly always they are in order already; else rows give way to their samples. */
function sortByTime(data: DeviceData, catalogue: Catalogue): void {
  const pairs = data.parts.flatMap((part) => {
    if ('samples' in part) {
      return part.samples.map((sample, index) => ({ sample, form: part.forms[index] }))
    }
    return toSamples(part.row).map((sample) => {
      return { sample, form: catalogue.known(sample.tag)?.form }
    })
  })
  const sorted = pairs.sort((a, b) => a.sample.at - b.sample.at)
  const samples = sorted.map(({ sample }) => sample)
  data.parts = [{ samples, forms: sorted.map(({ form }) => form as WireForm) }]
}

/** One message or more. */
export function* splitData({ parts, historical, size, text }: DeviceData): Generator<DataMessage> {
  if (size <= MAX_METRICS && text <= MAX_MESSAGE_TEXT) {
    yield { parts, historical }
    return
  }
  let message: DataPart[] = []
  let room = MAX_METRICS
  let textRoom = MAX_MESSAGE_TEXT
  for (const part of parts) {
    for (let start = 0; start < countOf(part); ) {
      const { end, textSize } = findCut(part, start, { room, text: textRoom })
      if (end > start) message.push(cutPart(part, start, end))
      room -= end - start
      textRoom -= textSize
      start = end
      if (start < countOf(part) || room === 0) {
        yield { parts: message, historical }
        message = []
        room = MAX_METRICS
        textRoom = MAX_MESSAGE_TEXT
      }
    }
  }
  if (message.length > 0) yield { parts: message, historical }
}

function countOf(part: DataPart): number {
  return 'places' in part ? part.values.length : part.samples.length
}

function cutPart(part: DataPart, from: number, to: number): DataPart {
  if ('places' in part) {
    const { places, values } = part
    return { ...part, places: places.subarray(from, to), values: values.subarray(from, to) }
  }
  return { samples: part.samples.slice(from, to), forms: part.forms.slice(from, to) }
}

/** How far the message has room; a text that alone is too long for one is a message by itself. */
function findCut(part: DataPart, start: number, left: { room: number; text: number }) {
  const last = Math.min(countOf(part), start + left.room)
  if ('places' in part) return { end: last, textSize: 0 }
  let textSize = 0
  for (let end = start; end < last; end++) {
    const { value } = part.samples[end] as Sample
    const length = typeof value === 'string' ? value.length : 0
    const isEmpty = end === start && left.text === MAX_MESSAGE_TEXT
    if (textSize + length > left.text && !isEmpty) return { end, textSize }
    textSize += length
  }
  return { end: last, textSize }
}
