/** Where the recordings for benchmarks lie: beside the checkout, or where MIMAMORI_BENCH_DATA says. */
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import { Fault } from '../../protocol/kit/fault.ts'

const BESIDE = fileURLToPath(new URL('../../../shared/data', import.meta.url))

/** The folder of one set; Fault 'bench.no-data' when it is not there. */
export function findBenchData(set: string): string {
  const root = process.env.MIMAMORI_BENCH_DATA ?? BESIDE
  const folder = join(root, set)
  if (existsSync(folder)) return folder
  throw new Fault('bench.no-data', { set, folder })
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
