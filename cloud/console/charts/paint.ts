/** What is painted on a chart beside its line: the alarm band, poor stretches, and marks of events. */
import type uPlot from 'uplot'
import type { Span } from './trend.ts'

export interface Ink {
  line: string
  band: string
  grid: string
  text: string
  alarm: string
  alarmBand: string
  stale: string
  bad: string
  mark: string
  chosen: string
  excluded: string
  work: string
  workBand: string
}

/** Reads the chart's colours from the style sheet, so that light and dark live in one place. */
export function readInk(element: Element): Ink {
  const style = getComputedStyle(element)
  const ink = (name: string) => style.getPropertyValue(`--chart-${name}`).trim()
  return {
    line: ink('line'),
    band: ink('band'),
    grid: ink('grid'),
    text: ink('text'),
    alarm: ink('alarm'),
    alarmBand: ink('alarm-band'),
    stale: ink('stale'),
    bad: ink('bad'),
    mark: ink('mark'),
    chosen: ink('chosen'),
    excluded: ink('excluded'),
    work: ink('work'),
    workBand: ink('work-band'),
  }
}

export interface EventMark {
  at: number
  label: string
}

/** A stretch that a person or the system has chosen, or left out, or in which the machine was worked on. */
export interface Shade {
  from: number
  to: number
  kind: 'chosen' | 'excluded' | 'work'
  /** Written into it where there is room. */
  label?: string
}

export interface Painted {
  spans: readonly Span[]
  shades: readonly Shade[]
  marks: readonly EventMark[]
  limit: number | null
}

/** The box of a stretch on the canvas; undefined: it is out of view. */
function boxOf(chart: uPlot, span: { from: number; to: number }) {
  const { left, top, width, height } = chart.bbox
  const from = Math.max(left, chart.valToPos(span.from, 'x', true))
  const to = Math.min(left + width, chart.valToPos(span.to, 'x', true))
  return to > from ? { from, to, top, height } : undefined
}

function paintBox(chart: uPlot, span: { from: number; to: number }, color: string): void {
  const box = boxOf(chart, span)
  if (!box) return
  chart.ctx.fillStyle = color
  chart.ctx.fillRect(box.from, box.top, box.to - box.from, box.height)
}

/** Slanted lines, so that what is left out differs from what is chosen without its colour. */
function paintHatch(chart: uPlot, span: { from: number; to: number }, color: string): void {
  const box = boxOf(chart, span)
  if (!box) return
  const { ctx } = chart
  const step = 7 * devicePixelRatio
  ctx.save()
  ctx.beginPath()
  ctx.rect(box.from, box.top, box.to - box.from, box.height)
  ctx.clip()
  ctx.strokeStyle = color
  ctx.lineWidth = devicePixelRatio
  ctx.beginPath()
  for (let x = box.from - box.height; x < box.to; x += step) {
    ctx.moveTo(x, box.top + box.height)
    ctx.lineTo(x + box.height, box.top)
  }
  ctx.stroke()
  ctx.restore()
}

/** A tint with a bar along its head and its words, so that it is no other shade without its colour. */
function paintWork(chart: uPlot, shade: Shade, ink: Ink): void {
  const box = boxOf(chart, shade)
  if (!box) return
  const { ctx } = chart
  const width = box.to - box.from
  ctx.save()
  ctx.beginPath()
  ctx.rect(box.from, box.top, width, box.height)
  ctx.clip()
  ctx.fillStyle = ink.workBand
  ctx.fillRect(box.from, box.top, width, box.height)
  ctx.fillStyle = ink.work
  ctx.fillRect(box.from, box.top, width, 3 * devicePixelRatio)
  ctx.font = `${11 * devicePixelRatio}px system-ui, sans-serif`
  ctx.textBaseline = 'bottom'
  ctx.textAlign = 'left'
  const foot = box.top + box.height - 3 * devicePixelRatio
  ctx.fillText(shade.label ?? '', box.from + 4 * devicePixelRatio, foot)
  ctx.restore()
}

/** A tint with a bar along its foot, or a hatch. */
function paintShade(chart: uPlot, shade: Shade, ink: Ink): void {
  if (shade.kind === 'work') paintWork(chart, shade, ink)
  if (shade.kind === 'excluded') paintHatch(chart, shade, ink.excluded)
  const box = shade.kind === 'chosen' ? boxOf(chart, shade) : undefined
  if (!box) return
  const foot = 4 * devicePixelRatio
  chart.ctx.fillStyle = ink.chosen
  chart.ctx.globalAlpha = 0.16
  chart.ctx.fillRect(box.from, box.top, box.to - box.from, box.height)
  chart.ctx.globalAlpha = 1
  chart.ctx.fillRect(box.from, box.top + box.height - foot, box.to - box.from, foot)
}

function paintLimit(chart: uPlot, limit: number, ink: Ink): void {
  const { left, top, width, height } = chart.bbox
  const y = Math.min(top + height, Math.max(top, chart.valToPos(limit, 'y', true)))
  chart.ctx.fillStyle = ink.alarmBand
  chart.ctx.fillRect(left, top, width, y - top)
  chart.ctx.strokeStyle = ink.alarm
  chart.ctx.lineWidth = devicePixelRatio
  chart.ctx.beginPath()
  chart.ctx.moveTo(left, y)
  chart.ctx.lineTo(left + width, y)
  chart.ctx.stroke()
}

/** Below the line: shades and the alarm band. */
export function paintUnder(chart: uPlot, { spans, shades, limit }: Painted, ink: Ink): void {
  chart.ctx.save()
  for (const shade of shades) paintShade(chart, shade, ink)
  if (limit !== null) paintLimit(chart, limit, ink)
  for (const span of spans) paintBox(chart, span, span.kind === 'stale' ? ink.stale : ink.bad)
  chart.ctx.restore()
}

/** Above the line: a numbered vertical stroke for each event; the list beside the chart has the words. */
export function paintOver(chart: uPlot, { marks }: Painted, ink: Ink): void {
  const { left, top, width, height } = chart.bbox
  const { ctx } = chart
  ctx.save()
  ctx.strokeStyle = ink.mark
  ctx.fillStyle = ink.mark
  ctx.lineWidth = devicePixelRatio
  ctx.setLineDash([3 * devicePixelRatio, 3 * devicePixelRatio])
  ctx.font = `${11 * devicePixelRatio}px system-ui, sans-serif`
  ctx.textBaseline = 'top'
  ctx.textAlign = 'left'
  let last = { x: Number.NEGATIVE_INFINITY, row: 0 }
  for (const { at, label } of marks) {
    const x = chart.valToPos(at, 'x', true)
    if (x < left || x > left + width) continue
    ctx.beginPath()
    ctx.moveTo(x, top)
    ctx.lineTo(x, top + height)
    ctx.stroke()
    // Events that are close in time stand below one another.
    const row = x - last.x < ctx.measureText(label).width + 8 * devicePixelRatio ? last.row + 1 : 0
    last = { x, row }
    ctx.fillText(label, x + 3 * devicePixelRatio, top + (2 + row * 12) * devicePixelRatio)
  }
  ctx.restore()
}
