/** Random sequences of faults over the chain from outbox to store; a seed plays the same sequence again. */
import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import { type Chain, openChain } from './chain.ts'

/** One step of a sequence. */
export type Step =
  | { do: 'append'; count: number }
  | { do: 'wait'; ms: number }
  | { do: 'cut' }
  | { do: 'cut-after'; direction: 'up' | 'down'; bytes: number }
  | { do: 'freeze'; direction: 'up' | 'down' | 'both'; ms: number }
  | { do: 'split'; bytes: number }
  | { do: 'restart-host' }
  | { do: 'kill-host' }
  | { do: 'device-hang'; ms: number }
  | { do: 'disk-full' }
  | { do: 'disk-free' }
  | { do: 'clock-step'; offMs: number }
  | { do: 'restart-gateway' }
  | { do: 'configure'; change: 'same' | 'other' }
  | { do: 'restart-broker'; downMs: number }

const direction = fc.constantFrom('up' as const, 'down' as const)
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        do: fc.constant('append' as const),
        count: fc.integer({ min: 1, max: 400 }),
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        do: fc.constant('wait' as const),
        ms: fc.integer({ min: 0, max: 60 }),
      }),
    },
    fc.constant({ do: 'cut' as const }),
    fc.record({
      do: fc.constant('cut-after' as const),
      direction,
      bytes: fc.integer({ min: 0, max: 3000 }),
    }),
    fc.record({
      do: fc.constant('freeze' as const),
      direction: fc.constantFrom('up' as const, 'down' as const, 'both' as const),
      ms: fc.integer({ min: 0, max: 400 }),
    }),
    fc.record({ do: fc.constant('split' as const), bytes: fc.integer({ min: 1, max: 40 }) }),
    fc.constant({ do: 'restart-host' as const }),
    fc.constant({ do: 'kill-host' as const }),
    fc.record({
      do: fc.constant('device-hang' as const),
      ms: fc.integer({ min: 0, max: 100 }),
    }),
    fc.constant({ do: 'disk-full' as const }),
    fc.constant({ do: 'disk-free' as const }),
    fc.record({
      do: fc.constant('clock-step' as const),
      offMs: fc.constantFrom(0, -5000, 7_200_000, -10_800_000, 172_800_000),
    }),
    fc.constant({ do: 'restart-gateway' as const }),
    {
      weight: 2,
      arbitrary: fc.record({
        do: fc.constant('configure' as const),
        change: fc.constantFrom('same' as const, 'other' as const),
      }),
    },
    fc.record({
      do: fc.constant('restart-broker' as const),
      downMs: fc.integer({ min: 0, max: 100 }),
    }),
  ),
  { minLength: 3, maxLength: 25 },
)

const actions: { [K in Step['do']]: (chain: Chain, step: Extract<Step, { do: K }>) => unknown } = {
  append: (chain, { count }) => chain.append(count),
  wait: (_, { ms }) => sleep(ms),
  cut: ({ proxy }) => proxy.reset(),
  'cut-after': ({ proxy }, { direction, bytes }) => {
    proxy.set({ cutAfter: { direction, bytes } })
    proxy.reset()
  },
  freeze: async ({ proxy }, { direction: frozen, ms }) => {
    proxy.set({ frozen })
    await sleep(ms)
    proxy.set({ frozen: undefined })
  },
  split: ({ proxy }, { bytes: splitBytes }) => proxy.set({ splitBytes }),
  'restart-host': (chain) => chain.restartHost(),
  'kill-host': (chain) => chain.restartHost(true),
  'device-hang': async (chain, { ms }) => {
    chain.markLost()
    await sleep(ms)
  },
  'disk-full': (chain) => chain.jamDisk(true),
  'disk-free': (chain) => chain.jamDisk(false),
  'clock-step': (chain, { offMs }) => chain.stepClock(offMs),
  configure: (chain, { change }) => chain.configure(change),
  'restart-gateway': (chain) => chain.restartGateway(),
  'restart-broker': async ({ broker }, { downMs }) => {
    await broker.kill()
    await sleep(downMs)
    await broker.start()
  },
}

/** Plays one sequence; throws when an integer is lost or doubled. */
export async function playSteps(sequence: readonly Step[]): Promise<void> {
  await using chain = await openChain()
  for (const step of sequence) {
    const act = actions[step.do] as (chain: Chain, step: Step) => unknown
    await act(chain, step)
  }
  chain.proxy.clear()
  chain.jamDisk(false)
  chain.stepClock(0)
  chain.append(1)
  const { lost, duplicated } = await chain.settle()
  if (lost > 0 || duplicated > 0) throw new Error(`${lost} lost, ${duplicated} doubled`)
}

export interface RandomRuns {
  runs: number
  /** Printed when it fails; give it again to see the same sequences. */
  seed?: number
  /** Of a failure, to play only that one. */
  path?: string
}

/** Throws fast-check's report: the seed, the path and the shortest sequence found. */
export async function runRandomChains({ runs, seed, path }: RandomRuns): Promise<void> {
  await fc.assert(fc.asyncProperty(steps, playSteps), {
    ...{ numRuns: runs, seed, path, endOnFailure: false },
    interruptAfterTimeLimit: 600_000,
  })
}
