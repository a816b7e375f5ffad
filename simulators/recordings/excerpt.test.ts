/** The shipped excerpts are whole healthy and failing cycles of one warm machine. */
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { CYCLE_ROWS, loadRecording } from '../replay.ts'
import { excerpts, formatExcerpt, selectRows } from './excerpt.ts'
import { sensorNames, sensors } from './sensors.ts'

const folder = join(import.meta.dirname, 'hydraulic')
const load = (file: string) => loadRecording(join(folder, file))

async function meanOf(file: string, sensor: string): Promise<number> {
  const { columns, rows } = await load(file)
  const at = columns.indexOf(sensor)
  return rows.reduce((sum, row) => sum + (row[at] ?? Number.NaN), 0) / rows.length
}

describe('the shipped excerpts', () => {
  it.each([
    ['normal.csv.gz', 40],
    ['healthy.csv.gz', 10],
    ['cooler-reduced.csv.gz', 5],
    ['cooler-failed.csv.gz', 20],
  ])(
    '%s holds whole cycles of all sensors, at least %i, within their ranges',
    async (file, cycles) => {
      const { columns, rows } = await load(file)
      expect(columns).toEqual(sensorNames)
      expect(rows.length % CYCLE_ROWS).toBe(0)
      expect(rows.length / CYCLE_ROWS).toBeGreaterThanOrEqual(cycles)
      sensors.forEach(({ range: [low, high] }, i) => {
        expect(rows.every((row) => (row[i] ?? -1) >= low && (row[i] ?? -1) <= high)).toBe(true)
      })
    },
  )

  it('are small and are all that the script makes', async () => {
    const files = (await readdir(folder)).filter((file) => file.endsWith('.gz'))
    expect(files.sort()).toEqual(excerpts.map(({ file }) => file).sort())
    const sizes = await Promise.all(
      files.map(async (file) => (await stat(join(folder, file))).size),
    )
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(1_000_000)
  })

  it('replay healthy cycles from the thermal state that the training rows cover', async () => {
    const { columns, rows } = await load('normal.csv.gz')
    for (const sensor of ['TS1', 'TS2', 'TS3', 'TS4', 'PS4', 'CE', 'CP']) {
      const at = columns.indexOf(sensor)
      const normal = rows.map((row) => row[at] ?? Number.NaN)
      const mean = await meanOf('healthy.csv.gz', sensor)
      expect(mean).toBeGreaterThan(Math.min(...normal))
      expect(mean).toBeLessThan(Math.max(...normal))
    }
  })

  it('share no cycle between training and replay, and show the cooler losing its power', async () => {
    const [normal, healthy] = [await load('normal.csv.gz'), await load('healthy.csv.gz')]
    const seen = new Set(normal.rows.map((row) => row.join()))
    expect(healthy.rows.filter((row) => seen.has(row.join()))).toEqual([])
    const power = await Promise.all(
      ['healthy', 'cooler-reduced', 'cooler-failed'].map((name) => meanOf(`${name}.csv.gz`, 'CP')),
    )
    expect(power[0]).toBeGreaterThan(2)
    expect(power[1]).toBeLessThan(1.8)
    expect(power[2]).toBeLessThan(1.5)
  })
})

describe('selectRows', () => {
  const excerpt = {
    file: 'x',
    condition: { cooler: 100, accumulator: [130] },
    rows: [[0, 2]],
  } as const

  it('skips rows without labels and refuses rows that are not as the table says', () => {
    const good = '100\t100\t0\t130\t0'
    expect(selectRows([good, 'NaN\tNaN\tNaN\tNaN\tNaN', good], excerpt)).toEqual([0, 2])
    expect(() => selectRows([good, '20\t100\t0\t130\t0', good], excerpt)).toThrow(/row 1/)
  })

  it('writes one line per second and refuses a hole in the data', () => {
    const table = new Map(sensorNames.map((name) => [name, [Array(60).fill('1.23456').join('\t')]]))
    expect(formatExcerpt(table, [0]).trim().split('\n').length).toBe(61)
    expect(formatExcerpt(table, [0])).toContain('1.235')
    table.set('TS1', [Array(59).fill('1').join('\t')])
    expect(() => formatExcerpt(table, [0])).toThrow(/row 0/)
  })
})
