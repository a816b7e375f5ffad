/** Parts that wear: follows their counters, knows when one was exchanged, and says when service is due. */
import { Fault } from '../../protocol/kit/fault.ts'
import { quality, type Sample, type TagId } from '../../protocol/model.ts'
import type { Audit } from '../audit/audit.ts'
import type { Store } from '../store/store.ts'
import { type CounterHistory, createForecasts, type Forecasts, type LifeItem } from './forecasts.ts'
import { type LifeRow, markFailed, markOrdered, type WornPart } from './part-lives.ts'
import { createPartsInPlace } from './parts-in-place.ts'

export interface WearOptions {
  store: Store
  audit: Audit
  history: CounterHistory
  parts: readonly WornPart[]
  /** Service is due: opens a case, once for each life of a part. */
  onDue(due: { asset: string; fingerprint: string; title: string }): Promise<void>
}

export interface Wear {
  /** Reads every counter once. */
  tick(now: number): Promise<void>
  itemsOf(asset: string, now: number): Promise<LifeItem[]>
  /** What a person says of the part that was taken out last. Throws Fault 'request.invalid' when none was. */
  judge(
    actor: { login: string },
    wanted: { asset: string; part: string; failed: boolean },
  ): Promise<void>
}

export function createWear(options: WearOptions): Wear {
  const { store, audit, parts, history } = options
  const forecasts = createForecasts(store, history)
  const inPlace = createPartsInPlace(store)
  return {
    async tick(now) {
      forecasts.begin()
      const tags = parts.flatMap(({ tag, serial }) => (serial ? [tag, serial] : [tag]))
      const newest = new Map((await history.latest(tags)).map((one) => [one.tag, one]))
      for (const part of parts) {
        const reading = readPart(part, newest)
        if (!reading) continue
        const { row, replaced } = await inPlace.note(part, reading)
        if (replaced) {
          forecasts.forgetFit(part)
          await auditExchange(audit, part, { from: replaced, to: row })
        }
        if (await proposeService({ ...options, forecasts }, part, { row, now }))
          await inPlace.ordered(part, now)
      }
      await inPlace.save(now)
    },
    async itemsOf(asset, now) {
      const items: LifeItem[] = []
      for (const part of parts.filter((one) => one.asset === asset)) {
        const row = await inPlace.of(part)
        items.push(row ? await forecasts.describe(part, row, now) : describeUnread(part, now))
      }
      return items
    },
    async judge(actor, wanted) {
      const part = parts.find((one) => one.asset === wanted.asset && one.part === wanted.part)
      if (!part || !(await markFailed(store, wanted)))
        throw new Fault('request.invalid', {
          problem: `no part "${wanted.part}" of this asset was taken out yet`,
        })
      forecasts.forgetFit(part)
      await audit.append({
        ...{ actor: actor.login, action: 'part.judged', object: wanted.asset, site: part.site },
        ...{ outcome: 'done', detail: { part: wanted.part, failed: wanted.failed } },
      })
    },
  }
}

/** The newest count and serial number when both are good; a bad one says nothing, not even "exchanged". */
function readPart({ tag, serial }: WornPart, newest: ReadonlyMap<TagId, Sample>) {
  const count = newest.get(tag)
  const number = serial === undefined ? undefined : newest.get(serial)
  if (count?.quality !== quality.good || count.value === null) return undefined
  if (serial !== undefined && number?.quality !== quality.good) return undefined
  const value = Number(count.value)
  if (!Number.isFinite(value)) return undefined
  return { at: count.at, count: value, serial: number ? String(number.value) : null }
}

async function auditExchange(
  audit: Audit,
  part: WornPart,
  { from, to }: { from: LifeRow; to: LifeRow },
): Promise<void> {
  const detail = { part: part.part, from: from.serial, to: to.serial, counted: from.last_count }
  const { asset, site } = part
  await audit.append({
    actor: 'wear',
    action: 'part.exchanged',
    object: asset,
    site,
    outcome: 'done',
    detail,
  })
}

/** Opens the case for the service once, as soon as its day has come. True: it did. */
async function proposeService(
  { store, onDue, forecasts }: WearOptions & { forecasts: Forecasts },
  part: WornPart,
  { row, now }: { row: LifeRow; now: number },
): Promise<boolean> {
  if (row.ordered_at !== null) return false
  const { orderBy = null, text } = (await forecasts.describeSeldom(part, row, now)) ?? {}
  if (orderBy === null || now < orderBy) return false
  await onDue({
    asset: part.asset,
    fingerprint: `wear:${part.part}:${row.id}`,
    title: `Service due: ${part.part} of ${part.assetName} (${text})`.slice(0, 200),
  })
  await markOrdered(store, row.id, now)
  return true
}

function describeUnread({ part }: WornPart, now: number): LifeItem {
  const text = 'its counter or serial number was not read yet'
  return { what: part, source: 'wear', at: now, health: null, end: null, text, orderBy: null }
}
