/** Trains once in a process of its own and prints seconds and peak memory: `node train-once.ts TABLE OUT`. */
import { performance } from 'node:perf_hooks'
import { runTrain } from '../train/train.ts'

/** What the process prints, as JSON. */
export interface TrainOnce {
  seconds: number
  /** Of the whole process, Node and runtime included. */
  peakMB: number
}

if (import.meta.main) {
  const [table = '', out = ''] = process.argv.slice(2)
  const from = performance.now()
  await runTrain({ in: table, out, seed: 1 })
  const seconds = (performance.now() - from) / 1000
  const once: TrainOnce = { seconds, peakMB: process.resourceUsage().maxRSS / 1024 }
  console.log(JSON.stringify(once))
}
