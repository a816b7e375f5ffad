/** F08: the line is reset after exactly n bytes of a connection, for every n: mid-CONNECT, mid-CONNACK, mid-PUBLISH. */
import { type Chain, openChain } from './chain.ts'
import type { Direction } from './fault-proxy.ts'
import type { Scenario, Seen } from './scenario.ts'
import { until } from './until.ts'

export interface Sweep {
  direction: Direction
  /** Both ends included. */
  from: number
  to: number
  step: number
}

/** CONNECT with its will is about 150 bytes, the SUBSCRIBE 100, births and data follow; CONNACK 4, SUBACK 7, STATE 80. */
const FULL: readonly Sweep[] = [
  { direction: 'up', from: 0, to: 60, step: 1 },
  { direction: 'up', from: 61, to: 1500, step: 13 },
  { direction: 'down', from: 0, to: 160, step: 1 },
]

/** One batch before each cut; at the end everything is there once. */
export async function runSweeps(sweeps: readonly Sweep[]): Promise<Seen> {
  await using chain = await openChain()
  let cuts = 0
  for (const { direction, from, to, step } of sweeps) {
    for (let bytes = from; bytes <= to; bytes += step) {
      await cutOnce(chain, direction, bytes)
      cuts += 1
    }
  }
  const endedAt = performance.now()
  chain.proxy.clear()
  chain.append(1)
  const { appended, lost, duplicated } = await chain.settle()
  const secondsToNormal = (performance.now() - endedAt) / 1000
  const said = `${cuts} cuts, ${appended} appended, ${chain.births()} births`
  return { said, lost, duplicated, secondsToNormal, failed: [] }
}

/** The open connection is reset; the next one dies after so many bytes, or lives if it never sends as many. */
async function cutOnce({ proxy, append }: Chain, direction: Direction, bytes: number) {
  const before = proxy.accepted()
  append(3)
  proxy.set({ cutAfter: { direction, bytes } })
  proxy.reset()
  await until('a new connection', () => proxy.accepted() > before, 20_000)
}

export const cutFaults: readonly Scenario[] = [
  {
    id: 'F08',
    fault: 'RST after exactly n bytes of a connection, each n of 332',
    expect: 'tried again, nothing doubled, no crash',
    run: () => runSweeps(FULL),
  },
]
