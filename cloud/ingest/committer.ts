/** Gathers one gateway's samples and commits them in order, a few times a second; acknowledges only what is durable. */
import type { Gap, Sample } from '../../protocol/model.ts'
import type { NamedRange } from '../../protocol/sparkplug/delivery.ts'

/** What one commit makes durable. */
export interface Bundle {
  live: Sample[]
  historical: Sample[]
  gaps: Gap[]
}

export interface CommitterOptions {
  commit(bundle: Bundle): Promise<void>
  /** Commits of all gateways fall on the same tick of this period, so that the historian can join them. */
  commitMs: number
  /** Samples waiting or being committed; beyond it they are refused and the gateway keeps them. */
  maxPending: number
  acknowledge(range: NamedRange): void
  /** A commit that was rejected; nothing of it is acknowledged. */
  failed(error: unknown, samples: number): void
}

/** Between two watermarks: acknowledged only if everything received in it was taken and committed. */
interface OpenRange {
  sound: boolean
}

export interface Committer {
  /** False when the queue is full: nothing was taken, and the range it belongs to will not be acknowledged. */
  add(part: Partial<Bundle>): boolean
  /** A watermark arrived: acknowledge this range once all before it is durable. */
  close(range: NamedRange): void
  /** What was received since the last watermark is not complete. */
  spoil(): void
  /** A new birth: open and waiting acknowledgements belong to the past. */
  restart(): void
  pending(): number
  /** Commits what is left; resolves when nothing waits any more. */
  drain(): Promise<void>
}

interface Gathered extends Bundle {
  ranges: Set<OpenRange>
  closed: { range: NamedRange; open: OpenRange }[]
}

export function createCommitter(options: CommitterOptions): Committer {
  let open: OpenRange = { sound: true }
  let gathered = createGathered()
  let pending = 0
  let running: Promise<void> | undefined
  let timer: NodeJS.Timeout | undefined

  const run = async (): Promise<void> => {
    while (hasWork(gathered)) {
      const bundle = gathered
      gathered = createGathered()
      await commitOne(options, bundle)
      pending -= bundle.live.length + bundle.historical.length
    }
    running = undefined
  }
  const start = (): Promise<void> => {
    clearTimeout(timer)
    timer = undefined
    // `run` with nothing to do would end before `running` is set, and `running` would stay set for ever.
    if (!running && hasWork(gathered)) running = run()
    return running ?? Promise.resolve()
  }
  const schedule = () => {
    if (timer || running) return
    timer = setTimeout(start, options.commitMs - (Date.now() % options.commitMs))
  }
  return {
    add({ live = [], historical = [], gaps = [] }) {
      const samples = live.length + historical.length
      if (samples > 0 && pending + samples > options.maxPending) {
        open.sound = false
        return false
      }
      pending += samples
      for (const sample of live) gathered.live.push(sample)
      for (const sample of historical) gathered.historical.push(sample)
      gathered.gaps.push(...gaps)
      gathered.ranges.add(open)
      schedule()
      return true
    },
    close(range) {
      gathered.closed.push({ range, open })
      open = { sound: true }
      schedule()
    },
    spoil() {
      open.sound = false
    },
    restart() {
      open = { sound: true }
      gathered.closed = []
    },
    pending: () => pending,
    async drain() {
      while (running || hasWork(gathered)) await start()
      clearTimeout(timer)
    },
  }
}

async function commitOne(options: CommitterOptions, bundle: Gathered): Promise<void> {
  const { live, historical, gaps } = bundle
  try {
    if (live.length + historical.length + gaps.length > 0) {
      await options.commit({ live, historical, gaps })
    }
  } catch (error) {
    for (const range of bundle.ranges) range.sound = false
    options.failed(error, live.length + historical.length)
  }
  for (const { range, open } of bundle.closed) if (open.sound) options.acknowledge(range)
}

function createGathered(): Gathered {
  return { live: [], historical: [], gaps: [], ranges: new Set(), closed: [] }
}

function hasWork({ live, historical, gaps, closed }: Gathered): boolean {
  return live.length + historical.length + gaps.length + closed.length > 0
}
