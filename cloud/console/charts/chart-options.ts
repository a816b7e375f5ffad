/** The uPlot options of a trend: axes in the site's time, a min/max band, one mean line. */
import type uPlot from 'uplot'
import { formatInstant, formatNumber, type Place } from '../i18n/format.ts'
import { type Ink, type Painted, paintOver, paintUnder } from './paint.ts'
import type { Window } from './use-trend.ts'

/** Read at every draw, so that a moving clock needs no new chart. */
export interface ChartState extends Painted {
  window: Window
}

export interface ChartSetting {
  width: number
  height: number
  place: Place
  ink: Ink
  state: () => ChartState
  onPoint: (at: number | null) => void
  /** Where local time is computed: uPlot.tzDate, passed in so that this file stays pure. */
  tzDate: (date: Date, zone: string) => Date
}

const hour = 3_600_000

function timeLabels({ place, state }: ChartSetting) {
  return (_: uPlot, splits: number[]) => {
    const { from, to } = state().window
    const span = to - from
    const style = span > 36 * hour ? 'day' : span > hour / 4 ? 'minute' : 'time'
    return splits.map((at) => formatInstant(at, style, place))
  }
}

/** Leaves air around a flat line and always shows the limit. */
function valueRange(state: () => ChartState) {
  return (_: uPlot, low: number | null, high: number | null): [number, number] => {
    const { limit } = state()
    const from = Math.min(low ?? 0, limit === null ? (low ?? 0) : 0)
    const to = Math.max(high ?? 1, limit === null ? (high ?? 1) : limit * 1.5)
    const air = (to - from || Math.abs(to) || 1) * 0.08
    return [limit === null ? from - air : Math.max(0, from - air), to + air]
  }
}

function axes(setting: ChartSetting): uPlot.Axis[] {
  const { ink, place } = setting
  const look = {
    stroke: ink.text,
    font: '11px system-ui, sans-serif',
    grid: { stroke: ink.grid, width: 1 },
    ticks: { show: false },
  }
  return [
    { ...look, space: 56, size: 26, values: timeLabels(setting) },
    {
      ...look,
      size: 52,
      space: 26,
      values: (_, splits) => splits.map((value) => formatNumber(value, place.language)),
    },
  ]
}

/** Creates the options for data of [at, min, max, mean]. */
export function createChartOptions(setting: ChartSetting): uPlot.Options {
  const { width, height, ink, place, state, onPoint, tzDate } = setting
  const edge = { stroke: 'transparent', width: 0, points: { show: false }, spanGaps: false }
  return {
    width,
    height,
    ms: 1,
    tzDate: (at) => (place.timeZone ? tzDate(new Date(at), place.timeZone) : new Date(at)),
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, points: { size: 6 } },
    scales: {
      x: { time: true, range: () => [state().window.from, state().window.to] },
      y: { range: valueRange(state) },
    },
    axes: axes(setting),
    series: [
      {},
      edge,
      edge,
      { stroke: ink.line, width: 1.5, points: { show: false }, spanGaps: false },
    ],
    bands: [{ series: [2, 1], fill: ink.band }],
    hooks: {
      drawClear: [(chart) => paintUnder(chart, state(), ink)],
      draw: [(chart) => paintOver(chart, state(), ink)],
      setCursor: [
        (chart) => {
          const index = chart.cursor.idx
          onPoint(typeof index === 'number' ? (chart.data[0]?.[index] ?? null) : null)
        },
      ],
    },
  }
}
