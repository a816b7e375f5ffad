/** One tag's trend: a line of means in a band of minimum and maximum, gaps as gaps, and the point under the pointer in words. */
import { Text, useComputedColorScheme } from '@mantine/core'
import { useElementSize, useMergedRef } from '@mantine/hooks'
import { useEffect, useRef, useState } from 'react'
import { createPortal } from 'react-dom'
import uPlot from 'uplot'
import type { LevelChange } from '../../../protocol/api-explanation.ts'
import { formatInstant, formatNumber, type Place } from '../i18n/format.ts'
import { useWords } from '../i18n/language.tsx'
import { type ChartState, createChartOptions } from './chart-options.ts'
import { LevelMarks } from './level-marks.tsx'
import { type EventMark, readInk, type Shade } from './paint.ts'
import { pointAt, poorSpans, type Trend } from './trend.ts'
import { TrendTable } from './trend-table.tsx'
import type { Window } from './use-trend.ts'

interface TrendChartProps {
  name: string
  unit: string | null
  trend: Trend
  window: Window
  place: Place
  height?: number
  limit?: number
  marks?: readonly EventMark[]
  shades?: readonly Shade[]
  /** Where the mean moved. */
  levels?: readonly LevelChange[]
}

/** Creates the chart when its surroundings change, and only hands it new data otherwise. */
function usePlot(props: TrendChartProps, onPoint: (at: number | null) => void) {
  const { trend, window, place, height = 180, limit = null, marks = [], shades = [] } = props
  const { ref: sized, width } = useElementSize<HTMLDivElement>()
  const [element, setElement] = useState<HTMLDivElement | null>(null)
  const ref = useMergedRef(sized, setElement)
  const scheme = useComputedColorScheme('light')
  const plot = useRef<uPlot>(null)
  const [over, setOver] = useState<HTMLElement | null>(null)
  const state = useRef<ChartState>({ window, limit, marks, shades, spans: [] })
  state.current = { window, limit, marks, shades, spans: poorSpans(trend) }
  const { language, timeZone } = place
  // biome-ignore lint/correctness/useExhaustiveDependencies: `scheme` changes the ink that is read
  useEffect(() => {
    if (!element || width === 0) return
    const chart = new uPlot(
      createChartOptions({
        width,
        height,
        place: { language, timeZone },
        ink: readInk(element),
        state: () => state.current,
        onPoint,
        tzDate: uPlot.tzDate,
      }),
      [[], [], [], []],
      element,
    )
    plot.current = chart
    setOver(chart.over)
    return () => {
      setOver(null)
      chart.destroy()
      plot.current = null
    }
  }, [element, width, height, language, timeZone, scheme, onPoint])
  // No dependencies: the window moves with the clock at every render.
  useEffect(() => {
    plot.current?.setData([trend.at, trend.min, trend.max, trend.mean])
  })
  return { ref, over }
}

/** Over more than this a time of day says nothing without its day. */
const longMs = 72_000_000

function Readout({ trend, unit, place, window, at }: TrendChartProps & { at: number | null }) {
  const { t } = useWords()
  const index = at === null ? trend.at.length - 1 : pointAt(trend, at)
  const instant = index === undefined ? undefined : trend.at[index]
  if (index === undefined || instant === undefined) return t('chart.no-data')
  const show = (value: number | null | undefined) =>
    value === null || value === undefined ? '—' : formatNumber(value, place.language)
  const [low, mean, high] = [trend.min[index], trend.mean[index], trend.max[index]]
  const words = low === high ? show(mean) : `${show(mean)} (${show(low)} – ${show(high)})`
  const style = window.to - window.from > longMs ? 'moment' : 'time'
  return `${formatInstant(instant, style, place)} · ${words}${unit ? ` ${unit}` : ''}`
}

export function TrendChart(props: TrendChartProps) {
  const { name, unit, height = 180, levels = [] } = props
  const { t } = useWords()
  const [at, setAt] = useState<number | null>(null)
  const { ref, over } = usePlot(props, setAt)
  return (
    <figure className="chart">
      <figcaption>
        <Text component="span" size="sm" fw={600}>
          {name}
          {unit ? ` [${unit}]` : ''}
        </Text>
        <Text component="span" size="xs" c="dimmed" className="number">
          <Readout {...props} at={at} />
        </Text>
      </figcaption>
      {/* biome-ignore lint/a11y/useAriaPropsSupportedByRole: both roles take a name */}
      <div
        ref={ref}
        // a picture may hold nothing that takes the focus; its marks do
        role={levels.length > 0 ? 'group' : 'img'}
        aria-label={t('chart.label', { name })}
        style={{ height, overflow: 'hidden' }}
      />
      {over &&
        levels.length > 0 &&
        createPortal(<LevelMarks list={levels} window={props.window} place={props.place} />, over)}
      <TrendTable name={name} unit={unit} trend={props.trend} place={props.place} />
    </figure>
  )
}
