/** Like machines compared with each other, again and again: a ratio per machine, stored as a sample like any score. */
import {
  comparePeers,
  fitPeers,
  type PeerModel,
  type PeerRow,
} from '../../models/peers/peer-outliers.ts'
import { derivedTagId, quality, type Sample, type TagId } from '../../protocol/model.ts'

export interface PeerGroup {
  id: string
  title: string
  machines: readonly { asset: string; site: string; tag: TagId }[]
  periodMs: number
  windowRows: number
  learnDays: number
}

/** What the watch needs of the historian: a fixed grid, NaN where nothing good is known. */
export interface PeerHistory {
  scan(query: { tags: readonly TagId[]; from: number; to: number; stepMs: number }): Promise<{
    at: Float64Array
    values: Float64Array[]
  }>
}

export interface PeerResult {
  group: string
  asset: string
  /** Of the derived tag: the ratio, bad without a value where the machine cannot be compared. */
  sample: Sample
  /** The machine's own tag, and by how much it stands apart, in its unit. */
  tag: TagId
  deviation: number | null
}

export interface PeerWatch {
  /** The results of every group whose next instant has come. */
  tick(now: number): Promise<PeerResult[]>
  /** Why a group is not compared, in words; undefined: it is. */
  reasonOf(group: string): string | undefined
}

/** Learned again so often. */
const LEARN_MS = 86_400_000
/** A group that could not be learned is tried again after this. */
const RETRY_MS = 3_600_000

/** The derived tag of a machine in its group. */
export function peerTagId(site: string, asset: string, group: string): TagId {
  return derivedTagId(site, asset, `Peers/${group}/Ratio`)
}

interface Watched {
  group: PeerGroup
  model?: PeerModel
  reason?: string
  learnAt: number
  nextAt: number
}

export function createPeerWatch(groups: readonly PeerGroup[], history: PeerHistory): PeerWatch {
  const watched = groups.map((group): Watched => ({ group, learnAt: 0, nextAt: 0 }))
  return {
    async tick(now) {
      const results: PeerResult[] = []
      for (const one of watched) {
        // Further ahead than one period is a future of a clock that was wrong.
        if (now < one.nextAt && one.nextAt - now <= one.group.periodMs) continue
        if (one.learnAt - now > LEARN_MS) one.learnAt = 0
        const at = Math.floor(now / one.group.periodMs) * one.group.periodMs
        one.nextAt = at + one.group.periodMs
        if (now >= one.learnAt) await learn(one, history, at)
        results.push(...(await compare(one, history, at)))
      }
      return results
    },
    reasonOf: (id) => watched.find(({ group }) => group.id === id)?.reason,
  }
}

/** Leaves out what was unusual: a fault that lasts must not become normal. */
async function learn(one: Watched, history: PeerHistory, at: number): Promise<void> {
  const { group } = one
  const from = at - group.learnDays * 86_400_000
  const span = { from, to: at, stepMs: group.periodMs }
  const rows = await readRows(group, history, span)
  const tags = group.machines.map(({ site, asset }) => peerTagId(site, asset, group.id))
  const { values: ratios } = await history.scan({ ...span, tags })
  const unusual = ratios.map((column) => findUnusual(column, group.windowRows))
  const answer = fitPeers(rows, group.windowRows, (i, r) => unusual[i]?.has(r) ?? false)
  if ('model' in answer) Object.assign(one, { model: answer.model, reason: undefined })
  // What was learned before stays in use: a quiet day does not make the group blind.
  else one.reason = one.model ? undefined : answer.reason
  one.learnAt = at + ('model' in answer ? LEARN_MS : RETRY_MS)
}

/** The rows whose ratio was above 1, with a window before, in which it rose, and one behind, should the next be missing. */
function findUnusual(ratios: Float64Array, windowRows: number): Set<number> {
  const found = new Set<number>()
  ratios.forEach((ratio, row) => {
    if (!(ratio > 1)) return
    for (let near = row - windowRows; near <= row + windowRows; near++) found.add(near)
  })
  return found
}

async function compare(one: Watched, history: PeerHistory, at: number): Promise<PeerResult[]> {
  const { group, model } = one
  if (!model) return []
  const from = at - (group.windowRows - 1) * group.periodMs
  const rows = await readRows(group, history, { from, to: at + 1, stepMs: group.periodMs })
  const scores = comparePeers(model, rows)
  return group.machines.map(({ asset, site, tag }, i): PeerResult => {
    const score = scores[i]
    const value = score?.ratio ?? null
    const seen = value === null ? quality.bad : quality.good
    const sample = { tag: peerTagId(site, asset, group.id), at, value, quality: seen }
    return { group: group.id, asset, sample, tag, deviation: score?.deviation ?? null }
  })
}

async function readRows(
  { machines }: PeerGroup,
  history: PeerHistory,
  span: { from: number; to: number; stepMs: number },
): Promise<PeerRow[]> {
  const { at, values } = await history.scan({ ...span, tags: machines.map(({ tag }) => tag) })
  return Array.from(at, (_, row) =>
    values.map((column) => {
      const value = column[row]
      return value === undefined || Number.isNaN(value) ? null : value
    }),
  )
}
