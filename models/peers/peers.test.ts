/** Peer outliers on seeded fleets of freezers: the odd one is told, the weather is not. */
import { describe, expect, it } from 'vitest'
import { comparePeers, fitPeers, type PeerModel, type PeerRow } from './peer-outliers.ts'

const ROWS_A_DAY = 288
const WINDOW = 24

function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state * 1_103_515_245 + 12_345) & 0x7fffffff
    return (state >> 8) / 0x7fffff
  }
}

/** Freezers of one shop every five minutes: own set points, common warm days, defrosts at own hours. */
function fleet(seed: number, days: number, machines = 6): (number | null)[][] {
  const random = seeded(seed)
  const points = Array.from({ length: machines }, (_, i) => -20 + 0.5 * i)
  const defrost = points.map(() => Math.floor(random() * 96))
  return Array.from({ length: days * ROWS_A_DAY }, (_, row) => {
    const weather = 1.5 * Math.sin((2 * Math.PI * row) / ROWS_A_DAY)
    return points.map((point, i) => {
      const isDefrosting = (row + (defrost[i] ?? 0)) % 96 < 4
      return point + weather + 0.4 * (random() - 0.5) + (isDefrosting ? 9 : 0)
    })
  })
}

function learn(rows: readonly PeerRow[]): PeerModel {
  const answer = fitPeers(rows, WINDOW)
  if ('reason' in answer) throw new Error(answer.reason)
  return answer.model
}
const score = (model: PeerModel, rows: readonly PeerRow[], end: number) =>
  comparePeers(model, rows.slice(Math.max(0, end - WINDOW), end))

describe('peer outliers', () => {
  it('tell the freezer that loses its cold, within its own window, and no other', () => {
    for (const seed of [1, 2, 3]) {
      const rows = fleet(seed, 9)
      const model = learn(rows.slice(0, 7 * ROWS_A_DAY))
      const from = 8 * ROWS_A_DAY
      for (const row of rows.slice(from)) row[2] = (row[2] ?? 0) + 1.2
      const after = score(model, rows, from + WINDOW)
      expect(after[2]).toMatchObject({ direction: 'high', deviation: expect.closeTo(1.2, 0) })
      expect(after.map((one) => (one?.ratio ?? 0) > 1)).toEqual(
        [0, 1, 2, 3, 4, 5].map((i) => i === 2),
      )
    }
  })

  it('stay silent in normal weeks: under one row in a thousand, defrosts and warm days included', () => {
    let [above, seen] = [0, 0]
    for (const seed of [4, 5, 6]) {
      const rows = fleet(seed, 10)
      const model = learn(rows.slice(0, 7 * ROWS_A_DAY))
      for (let end = 7 * ROWS_A_DAY + WINDOW; end < rows.length; end += 3)
        for (const one of score(model, rows, end)) {
          seen++
          if (one && one.ratio > 1) above++
        }
    }
    expect(above / seen).toBeLessThan(0.001)
  })

  it('do not blame a group that moves together', () => {
    const rows = fleet(7, 9)
    const model = learn(rows.slice(0, 7 * ROWS_A_DAY))
    for (const row of rows.slice(8 * ROWS_A_DAY))
      for (const [i, value] of row.entries()) row[i] = (value ?? 0) + 10
    const after = score(model, rows, 8 * ROWS_A_DAY + 3 * WINDOW)
    expect(after.every((one) => one && one.ratio < 1)).toBe(true)
  })

  it('are unknown where the machine is silent, and where fewer than five answer', () => {
    const rows = fleet(8, 8)
    const model = learn(rows.slice(0, 7 * ROWS_A_DAY))
    const end = 8 * ROWS_A_DAY
    for (const row of rows.slice(end - WINDOW)) row[0] = null
    expect(score(model, rows, end).map((one) => one === null)).toEqual([
      true,
      ...Array(5).fill(false),
    ])
    for (const row of rows.slice(end - WINDOW)) row[1] = null
    expect(score(model, rows, end)).toEqual(Array(6).fill(null))
  })

  it('are refused where nothing can be learned', () => {
    expect(fitPeers(fleet(9, 4, 4), WINDOW)).toEqual({ reason: '4 like machines; it takes 5' })
    expect(fitPeers(fleet(9, 1), WINDOW)).toEqual({ reason: '265 comparable rows; it takes 300' })
  })

  it('do not depend on the unit', () => {
    const rows = fleet(10, 8)
    const fahrenheit = rows.map((row) => row.map((value) => (value ?? 0) * 1.8 + 32))
    const at = 7 * ROWS_A_DAY
    const one = score(learn(rows.slice(0, at)), rows, at + 100)
    const other = score(learn(fahrenheit.slice(0, at)), fahrenheit, at + 100)
    for (const [i, score] of one.entries())
      expect(other[i]?.ratio).toBeCloseTo(score?.ratio ?? -1, 6)
  })
})
