/** The guided tour of telemetry: one register from the PLC to the console, then a recorded fault from the sensor to the case. */
import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { loadDriver } from '../edge/drivers/registry.ts'
import type { CaseDetail, RangeResponse } from '../protocol/api.ts'
import { derivedTagId, quality, type Sample } from '../protocol/model.ts'
import { readRange } from '../protocol/sparkplug/delivery.ts'
import { type Harness, openHarness, waitFor } from './harness.ts'
import { type EventSpy, openEventSpy, openWireSpy, type WireSpy } from './wire-spy.ts'

const SETPOINT = 'kita-plant/gw-plant/chiller/Setpoint'
const RATIO = derivedTagId('kita-plant', 'press-1', 'Ratio')

const stack = new AsyncDisposableStack()
afterAll(() => stack.disposeAsync())
let plant: Harness
let wire: WireSpy
let page: EventSpy

beforeAll(async () => {
  plant = stack.use(
    await openHarness({
      machines: ['chiller', 'press'],
      beforeGateway: async (cloud) => {
        wire = stack.use(await openWireSpy(cloud))
      },
    }),
  )
  const cookie = await plant.cookieOf('engineer')
  page = stack.use(await openEventSpy(plant.cloud.url, { cookie, asset: 'chiller-1' }))
  // We only look over the shoulder: the real ones still do the work.
  vi.spyOn(plant.gateway.outbox, 'append')
  vi.spyOn(plant.cloud.parts.flow, 'commit')
  const known = () => plant.gateway.tags.latest(SETPOINT)?.value === 7
  await waitFor(known, 'the gateway to know the setpoint, 7.0 °C')
})

describe('the path of a register', () => {
  let sample: Sample
  let batch: number

  it('1 · the operator turns the setpoint up: register 10 of the PLC holds 75 tenths of a degree', async () => {
    const answer = await fetch(`${plant.chiller.endpoints.hmi}command/setpoint-up`, {
      method: 'POST',
    })
    expect(answer.status).toBe(200)
    expect(await askModbus(plant.ports.chillerModbus, 10)).toBe(75)
  })

  it('2 · the driver reads it as a sample: raw value, good quality, its time', async () => {
    const device = plant.gateway.config.devices.find(({ id }) => id === 'chiller')!
    const tag = device.groups.flatMap(({ tags }) => tags).find(({ tag: t }) => t.id === SETPOINT)!
    const driver = (await loadDriver(device.driver)).createDriver(device.options, {
      device: 'chiller',
      stateDir: plant.dir,
    })
    const { signal } = new AbortController()
    await using connection = await driver.connect(signal)
    const [raw] = await connection.read([tag.tag], signal)
    expect(raw).toMatchObject({ tag: SETPOINT, value: 75, quality: quality.good })
  })

  it('3 · conditioning makes it what people mean: scaled to 7.5 °C', async () => {
    const known = () => {
      const latest = plant.gateway.tags.latest(SETPOINT)
      return latest?.value === 7.5 ? latest : undefined
    }
    sample = await waitFor(known, 'the conditioned sample 7.5')
    expect(sample.quality).toBe(quality.good)
  })

  it('4 · the outbox has it on disk, in a numbered batch, before anybody else hears of it', async () => {
    const { calls, results } = vi.mocked(plant.gateway.outbox.append).mock
    const at = await waitFor(
      () =>
        1 + calls.findIndex(([content]) => [...content.samples].some((one) => isSame(one, sample))),
      'the batch with the sample',
    )
    batch = results[at - 1]?.value
    expect(batch).toBeGreaterThan(0)
  })

  it('5 · DDATA on the wire: the birth gave the tag a name, type and unit, data carry its alias', async () => {
    const birth = wire
      .metrics('spBv1.0/kita-plant/DBIRTH/gw-plant/chiller')
      .find(({ name }) => name === 'Setpoint')
    expect(birth).toMatchObject({ type: 'Double', unit: '°C' })
    const told = () =>
      wire
        .metrics('spBv1.0/kita-plant/DDATA/gw-plant/chiller')
        .find(({ alias, value }) => alias === birth?.alias && value === 7.5)
    expect(await waitFor(told, 'the metric in a DDATA')).toMatchObject({ at: sample.at })
  })

  it('6 · the ingest turns it back into the very same sample, and knows it is live', async () => {
    const { calls } = vi.mocked(plant.cloud.parts.flow.commit).mock
    const taken = () => calls.map(([b]) => b).find((b) => b.live.some((s) => isSame(s, sample)))
    expect(await waitFor(taken, 'the commit')).toMatchObject({
      ...{ site: 'kita-plant', gateway: 'gw-plant' },
    })
  })

  it('7 · the historian has it as a row, known by tag and time', async () => {
    const { historian } = plant.cloud.parts
    const row = async () => (await historian.raw(SETPOINT, sample.at, sample.at + 1, 10))[0]
    expect(await waitFor(row, 'the row')).toMatchObject({ ...sample })
  })

  it('8 · only now the cloud acknowledges the watermark, and the outbox lets the batch go', async () => {
    const rangeIn = (topic: string, end: 'watermark' | 'acknowledged') =>
      wire.messages
        .filter((one) => one.topic === topic)
        .map(({ payload }) => readRange(payload.metrics, end))
        .find((range) => range && range.from <= batch && batch <= range.to)
    const answered = () => rangeIn('spBv1.0/kita-plant/NCMD/gw-plant', 'acknowledged')
    const range = await waitFor(answered, 'the acknowledgement of the batch')
    expect(rangeIn('spBv1.0/kita-plant/NDATA/gw-plant', 'watermark')).toEqual(range)
    const isGone = () => plant.gateway.outbox.peek(batch - 1, 1)[0]?.number !== batch
    await waitFor(isGone, 'the outbox to let the batch go')
  })

  it('9 · the page that looks at the chiller got it as an event, and its chart finds it', async () => {
    const shown = () =>
      page.events
        .flatMap((event) => (event.kind === 'samples' ? event.samples : []))
        .find(({ tag, value }) => tag === SETPOINT && value === 7.5)
    expect(await waitFor(shown, 'the live event')).toMatchObject({ at: sample.at })
    const query = `tag=${SETPOINT}&from=${sample.at}&to=${sample.at + 1}&points=1`
    const { body } = await plant.call(`/api/range?${query}`, { as: 'engineer' })
    expect((body as RangeResponse).series).toMatchObject([{ unit: '°C', mean: [7.5] }])
  })
})

describe('the path of a fault', () => {
  it('10 · the model sees a healthy machine once its window of seconds is full', async () => {
    const { flow, scored } = plant.cloud.parts
    expect(scored.map(({ asset }) => asset)).toEqual(['press-1'])
    const result = await waitFor(() => {
      const latest = flow.latestScore('press-1')
      return latest?.state === 'scored' ? latest : undefined
    }, 'the first score')
    expect(result.ratio).toBeLessThan(1)
    expect(result.at % 1000).toBe(0)
  })

  it('11 · the cooler fails as it once did on a real rig: the score rises above its threshold', async () => {
    plant.press.inject('cooler-failed')
    const { flow } = plant.cloud.parts
    await waitFor(() => (flow.latestScore('press-1')?.ratio ?? 0) > 1, 'a ratio above 1')
  })

  it('12 · a score is a sample like any other: it stands in the historian under a derived tag', async () => {
    const [stored] = await plant.cloud.parts.historian.latest([RATIO])
    expect(stored).toMatchObject({ tag: 'kita-plant/cloud/press-1/Model/Ratio', quality: 192 })
    expect(stored?.value).toBeGreaterThan(1)
  })

  it('13 · above the limit for its on-delay, it raises an alarm', async () => {
    const raised = async () => (await plant.cloud.parts.alarms.list({ state: 'open' }))[0]
    const alarm = await waitFor(raised, 'the alarm')
    expect(alarm).toMatchObject({ asset: 'press-1', state: 'active-unacked', severity: 700 })
  })

  it('14 · the alarm opens a case that says which tags contributed most', async () => {
    const answer = await plant.call('/api/cases?state=open', { as: 'technician' })
    const [one] = answer.body.cases
    expect(one).toMatchObject({ asset: 'press-1', state: 'reported' })
    const { body } = await plant.call(`/api/cases/${one.id}`, { as: 'technician' })
    const { alarms, contributions, steps, targets } = body as CaseDetail
    expect(alarms).toHaveLength(1)
    expect(contributions).toHaveLength(3)
    expect(contributions.every(({ z }) => Math.abs(z) > 3)).toBe(true)
    expect(steps).toMatchObject([{ step: 'reported' }])
    // From here another path goes on: path-of-a-byte.test.ts.
    expect(targets).toMatchObject([{ id: 'press-hmi' }])
  })

  it('15 · and the page heard that there is a case', () => {
    const kinds = page.events.flatMap((event) => (event.kind === 'changed' ? [event.what] : []))
    expect(kinds).toEqual(expect.arrayContaining(['alarms', 'cases']))
  })
})

function isSame(one: Sample, other: Sample): boolean {
  return one.tag === other.tag && one.at === other.at && one.value === other.value
}

/** Twelve bytes by hand, so that no decoder of ours has a say: read one holding register of unit 1. */
async function askModbus(port: number, register: number): Promise<number> {
  const socket = connect(port, '127.0.0.1')
  socket.end(Buffer.from([0, 7, 0, 0, 0, 6, 1, 3, 0, register, 0, 1]))
  const [answer] = (await socket.toArray()) as Buffer[]
  return answer?.readInt16BE(9) ?? Number.NaN
}
