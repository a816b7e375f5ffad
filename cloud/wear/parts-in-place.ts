/** The parts in place, read once and followed in memory: what they count is written down now and then, an exchange at once. */
import type { Store } from '../store/store.ts'
import {
  exchangePart,
  isSamePart,
  type LifeRow,
  listInPlace,
  type PartReading,
  type WornPart,
  writeReadings,
} from './part-lives.ts'

export interface PartsInPlace {
  /** The part after this reading: the same life, or a new one when it was exchanged. */
  note(
    part: WornPart,
    reading: PartReading,
  ): Promise<{ row: LifeRow; replaced: LifeRow | undefined }>
  /** Undefined: nothing of it was read yet. */
  of(part: WornPart): Promise<LifeRow | undefined>
  /** Its service was proposed. */
  ordered(part: WornPart, at: number): Promise<void>
  /** Writes down what has not been for long. */
  save(now: number): Promise<void>
}

/** A crash loses so much of the counts, and reads them again at once; each writing is a commit. */
const SAVE_MS = 3_600_000
/** Rows of one commit. */
const MAX_ROWS = 200

interface Followed {
  row: LifeRow
  isSaved: boolean
}

export function createPartsInPlace(store: Store): PartsInPlace {
  let reading: Promise<Map<string, Followed>> | undefined
  let savedAt = 0

  async function readAll(): Promise<Map<string, Followed>> {
    const rows = await listInPlace(store)
    return new Map(rows.map((row) => [nameOf(row), { row, isSaved: true }]))
  }

  function followed(): Promise<Map<string, Followed>> {
    reading ??= readAll().catch((error: unknown) => {
      reading = undefined
      throw error
    })
    return reading
  }

  return {
    async note(part, read) {
      const all = await followed()
      const before = all.get(nameOf(part))?.row
      if (before && isSamePart(before, read)) {
        const { at: last_at, count: last_count, serial } = read
        const row = { ...before, last_at, last_count, serial }
        if (last_at !== before.last_at) all.set(nameOf(part), { row, isSaved: false })
        return { row, replaced: undefined }
      }
      const row = await exchangePart(store, part, { reading: read, before })
      all.set(nameOf(part), { row, isSaved: true })
      return { row, replaced: before }
    },
    of: async (part) => (await followed()).get(nameOf(part))?.row,
    async ordered(part, at) {
      const known = (await followed()).get(nameOf(part))
      if (known) known.row = { ...known.row, ordered_at: at }
    },
    async save(now) {
      if (now - savedAt < SAVE_MS) return
      savedAt = now
      const due = [...(await followed()).values()].filter(({ isSaved }) => !isSaved)
      for (let from = 0; from < due.length; from += MAX_ROWS) {
        const some = due.slice(from, from + MAX_ROWS)
        await writeReadings(
          store,
          some.map(({ row }) => row),
        )
        for (const one of some) one.isSaved = true
      }
    },
  }
}

const nameOf = ({ asset, part }: Pick<WornPart, 'asset' | 'part'>) => `${asset} ${part}`
