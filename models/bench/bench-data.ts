/** What the benchmarks of labelled and run-to-failure sets share: the folder of a set, tables without header, cost. */
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import { Fault } from '../../protocol/kit/fault.ts'
import { findRecordings, NO_RECORDINGS } from './recordings.ts'

/** The folder of one set; Fault 'bench.no-data' when it is not there. */
export function findBenchData(set: string): string {
  const root = findRecordings()
  const folder = root === undefined ? undefined : join(root, set)
  if (folder !== undefined && existsSync(folder)) return folder
  throw new Fault('bench.no-data', { set, problem: NO_RECORDINGS })
}

/** Numbers of a table without header, gzipped, split at white space; `NaN` is NaN. */
export async function readNumbers(file: string): Promise<number[][]> {
  const bytes = await readFile(file)
  const plain = file.endsWith('.gz') ? await promisify(gunzip)(bytes) : bytes
  const lines = plain.toString('utf8').trim().split('\n')
  return lines.map((line) => line.trim().split(/\s+/).map(Number))
}

/** Seconds and the peak of the resident memory so far. */
export function measureFrom(startMs: number): { seconds: number; peakMB: number } {
  return {
    seconds: (performance.now() - startMs) / 1000,
    peakMB: process.resourceUsage().maxRSS / 1024,
  }
}
