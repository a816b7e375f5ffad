/** The samples of a range of batches, sorted into messages: by device, by time, by size. */
import type { DeviceId, Sample } from '../../protocol/model.ts'
import type { DataPart, WireForm } from '../../protocol/sparkplug/wire-form.ts'
import type { Batch } from '../outbox/outbox.ts'
import type { Catalogue, Declared } from './catalogue.ts'

/** Metrics in one message: some 30 kB; a message more costs as much as two hundred metrics. */
const MAX_METRICS = 2_000
/** Text values are cut into messages by their length as well: far below any broker's packet limit. */
const MAX_MESSAGE_TEXT = 256 * 1024

/** All samples of one device, and how each travels. */
export interface DeviceData extends DataPart {
  device: DeviceId
  samples: Sample[]
  forms: WireForm[]
  /** Characters of all texts. */
  text: number
}

export interface CollectedData {
  byDevice: Iterable<DeviceData>
  /** Devices that must be declared again before their data goes out. */
  unborn: ReadonlySet<DeviceId>
  samples: number
}

/** Live data is in order of time; history stays in the order in which it was kept. */
export function collectData(
  batches: readonly Batch[],
  catalogue: Catalogue,
  historical: boolean,
): CollectedData {
  const byDevice = new Map<DeviceId, DeviceData>()
  const unborn = new Set<DeviceId>()
  let samples = 0
  let data: DeviceData | undefined
  for (const batch of batches) {
    for (const sample of batch.samples) {
      const declared = catalogue.known(sample.tag) ?? declareNew(sample, catalogue, unborn)
      if (!declared) continue
      if (data?.device !== declared.device) data = dataOf(declared.device, byDevice, historical)
      const told = catalogue.fitSample(sample, declared)
      if (typeof told.value === 'string') data.text += told.value.length
      data.samples.push(told)
      data.forms.push(declared.form)
      samples += 1
    }
  }
  if (!historical) for (const each of byDevice.values()) sortByTime(each)
  return { byDevice: byDevice.values(), unborn, samples }
}

function declareNew(
  sample: Sample,
  catalogue: Catalogue,
  unborn: Set<DeviceId>,
): Declared | undefined {
  const declared = catalogue.declare(sample)
  if (declared) unborn.add(declared.device)
  return declared
}

function dataOf(
  device: DeviceId,
  byDevice: Map<DeviceId, DeviceData>,
  historical: boolean,
): DeviceData {
  const known = byDevice.get(device) ?? { device, samples: [], forms: [], historical, text: 0 }
  byDevice.set(device, known)
  return known
}

/** Nearly always they are in order already. */
function sortByTime(data: DeviceData): void {
  const { samples, forms } = data
  const at = (index: number) => samples[index]?.at ?? 0
  if (samples.every((sample, index) => index === 0 || at(index - 1) <= sample.at)) return
  const order = samples.map((_, index) => index).sort((a, b) => at(a) - at(b))
  data.samples = order.map((index) => samples[index] as Sample)
  data.forms = order.map((index) => forms[index] as WireForm)
}

/** One message or more. */
export function* splitData({ samples, forms, historical, text }: DeviceData): Generator<DataPart> {
  if (samples.length <= MAX_METRICS && text <= MAX_MESSAGE_TEXT) {
    yield { samples, forms, historical }
    return
  }
  const cut = (from: number, to: number): DataPart => ({
    samples: samples.slice(from, to),
    forms: forms.slice(from, to),
    historical,
  })
  let start = 0
  let size = 0
  for (const [index, { value }] of samples.entries()) {
    const length = typeof value === 'string' ? value.length : 0
    const isFull = index - start === MAX_METRICS || size + length > MAX_MESSAGE_TEXT
    if (isFull && index > start) {
      yield cut(start, index)
      start = index
      size = 0
    }
    size += length
  }
  yield cut(start, samples.length)
}
