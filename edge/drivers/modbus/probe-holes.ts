/** Asks again for what was refused: one address after the other while it is refused, all together once one has healed. */
import type { Point } from './address.ts'
import type { ModbusOptions } from './options.ts'
import { type Block, planReads } from './planner.ts'
import { type Round, readBlock, type Tools } from './read-block.ts'

/** Refused addresses asked again in one read: healing must not slow the good ones down. */
const MAX_PROBES_PER_READ = 4

/** Each due hole alone: another refusal costs its neighbours nothing. A device that has started has healed as a whole. */
export async function probeHoles(
  round: Round,
  { tools, options }: { tools: Tools; options: ModbusOptions },
): Promise<void> {
  const { points } = round
  const { holes, limits } = tools
  if (holes.size === 0) return
  const nowMs = performance.now()
  const due = points.flatMap((point, i) => (point && holes.isDue(point, nowMs) ? [i] : []))
  let hasHealed = false
  for (const i of due.slice(0, MAX_PROBES_PER_READ)) {
    if (await readBlock(toBlock(points[i] as Point, i), round, tools)) hasHealed = true
  }
  if (!hasHealed) return
  const blocks = planReads({
    points,
    wanted: due.slice(MAX_PROBES_PER_READ),
    limits: options,
    limitOf: (place) => limits.limitOf(place),
    isBarred: (area) => holes.isBarred(area),
  })
  for (const block of blocks) await readBlock(block, round, tools)
}

function toBlock({ unit, table, address, count }: Point, index: number): Block {
  return { unit, table, address, count, points: [index] }
}
