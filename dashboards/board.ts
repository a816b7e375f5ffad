/** Building blocks of Grafana boards: typed, with the fields that our boards use, in classic dashboard JSON. */
import { MEASUREMENT } from '../cloud/historian/influx-names.ts'

/** Something that Grafana fills in: a variable, a field or a macro in braces. */
export function fillIn(expression: string): string {
  return `\${${expression}}`
}

/** A condition on a tag key by the variable of the same name, escaped as a regular expression. */
export function matchVariable(key: string, variable: string = key): string {
  return `"${key}" =~ /^${fillIn(`${variable}:regex`)}$/`
}

/** Chosen at the top of each board. */
export const DATA_SOURCE = { type: 'influxdb', uid: fillIn('datasource') } as const
/** The name of the measurement, quoted for InfluxQL. */
export const FROM = `FROM "${MEASUREMENT}"`
/** Shown by panels that count what is wrong: they have no rows when all is well. */
export const NOTHING_WRONG = 'none'
/** A model's ratio to its threshold: above 1 the asset is not as it was in training. */
export const RATIO_STEPS = [
  { color: 'green', value: null },
  { color: 'yellow', value: 0.8 },
  { color: 'red', value: 1 },
] as const
/** What the numbers of a sample's quality mean, in words and colours. */
export const QUALITY_MAPPINGS = [
  {
    type: 'value',
    options: {
      '0': { text: 'bad', color: 'red', index: 0 },
      '192': { text: 'good', color: 'green', index: 1 },
      '500': { text: 'stale', color: 'orange', index: 2 },
    },
  },
] as const

export interface Step {
  color: string
  /** null: from the beginning. */
  value: number | null
}

export interface Target {
  refId: string
  datasource: typeof DATA_SOURCE
  query: string
  rawQuery: true
  resultFormat: 'time_series' | 'table'
  alias?: string
}

export interface Link {
  title: string
  url: string
}

export interface Panel {
  id: number
  type: 'stat' | 'timeseries' | 'state-timeline' | 'table' | 'gauge'
  title: string
  /** What it shows, and what it means when there is nothing to show. */
  description: string
  datasource: typeof DATA_SOURCE
  gridPos: { h: number; w: number; x: number; y: number }
  targets: Target[]
  fieldConfig: { defaults: Record<string, unknown>; overrides: unknown[] }
  options: Record<string, unknown>
}

export interface Variable {
  name: string
  label: string
  type: 'query' | 'datasource'
  query: string
  datasource?: typeof DATA_SOURCE
  multi?: boolean
  includeAll?: boolean
  allValue?: string
  refresh?: 1 | 2
  sort?: 1
}

export interface Annotation {
  name: string
  datasource: typeof DATA_SOURCE
  enable: boolean
  iconColor: string
  target: { query: string; rawQuery: true; textColumn: string }
}

export interface Board {
  uid: string
  title: string
  description: string
  tags: string[]
  schemaVersion: number
  version: number
  editable: false
  refresh: string
  time: { from: string; to: string }
  timezone: 'browser'
  templating: { list: Variable[] }
  annotations: { list: Annotation[] }
  links: { title: string; type: 'link'; url: string; keepTime: boolean; includeVars: boolean }[]
  panels: Panel[]
}

export interface PanelOptions {
  title: string
  description: string
  /** [left, top, width, height] on Grafana's 24 columns. */
  at: readonly [number, number, number, number]
  query: string
  /** How a series is named, e.g. `$tag_device`. */
  alias?: string
  /** A unit of Grafana's, e.g. `short`, `percentunit`. */
  unit: string
  steps: readonly Step[]
  /** Shown when there is no data: each panel says what that means. */
  noValue: string
  decimals?: number
  min?: number
  max?: number
  link?: Link
  mappings?: readonly unknown[]
  overrides?: unknown[]
  options?: Record<string, unknown>
  custom?: Record<string, unknown>
}

/** One number each: how things stand now. */
export function createStat(options: PanelOptions): Omit<Panel, 'id'> {
  const own = {
    reduceOptions: { calcs: ['lastNotNull'] },
    colorMode: 'background',
    graphMode: 'area',
  }
  return createPanel('stat', { ...options, options: { ...own, ...options.options } })
}

/** Lines over time, with the thresholds drawn. */
export function createChart(options: PanelOptions): Omit<Panel, 'id'> {
  const style = options.steps.length > 1 ? 'line' : 'off'
  const custom = {
    lineWidth: 1,
    fillOpacity: 0,
    spanNulls: false,
    thresholdsStyle: { mode: style },
  }
  const legend = { displayMode: 'list', placement: 'bottom', showLegend: true }
  const own = { legend, tooltip: { mode: 'multi', sort: 'desc' } }
  return createPanel('timeseries', {
    ...options,
    custom: { ...custom, ...options.custom },
    options: { ...own, ...options.options },
  })
}

/** One band each, coloured by threshold or state. */
export function createTimeline(options: PanelOptions): Omit<Panel, 'id'> {
  const own = { showValue: 'auto', mergeValues: true, rowHeight: 0.8 }
  return createPanel('state-timeline', { ...options, options: { ...own, ...options.options } })
}

/** Rows of what is newest. */
export function createTable(options: PanelOptions): Omit<Panel, 'id'> {
  const table = createPanel('table', {
    ...options,
    options: { showHeader: true, ...options.options },
  })
  for (const target of table.targets) target.resultFormat = 'table'
  return table
}

function createPanel(type: Panel['type'], options: PanelOptions): Omit<Panel, 'id'> {
  const [x, y, w, h] = options.at
  const target: Target = {
    refId: 'A',
    datasource: DATA_SOURCE,
    query: options.query,
    rawQuery: true,
    resultFormat: 'time_series',
    ...(options.alias === undefined ? {} : { alias: options.alias }),
  }
  const { unit, noValue, decimals, min, max, mappings = [], custom = {} } = options
  return {
    type,
    title: options.title,
    description: options.description,
    datasource: DATA_SOURCE,
    gridPos: { x, y, w, h },
    targets: [target],
    fieldConfig: {
      defaults: {
        unit,
        noValue,
        mappings: [...mappings],
        thresholds: { mode: 'absolute', steps: [...options.steps] },
        color: { mode: type === 'timeseries' ? 'palette-classic' : 'thresholds' },
        custom,
        ...(decimals === undefined ? {} : { decimals }),
        ...(min === undefined ? {} : { min }),
        ...(max === undefined ? {} : { max }),
        ...(options.link ? { links: [options.link] } : {}),
      },
      overrides: options.overrides ?? [],
    },
    options: options.options ?? {},
  }
}

export interface BoardOptions {
  uid: string
  title: string
  description: string
  variables: Variable[]
  annotations: Annotation[]
  links: Board['links']
  panels: Omit<Panel, 'id'>[]
}

/** A whole board: ids by position, the data source first among the variables. */
export function createBoard(options: BoardOptions): Board {
  const { uid, title, description, variables, annotations, links, panels } = options
  const dataSource: Variable = {
    name: 'datasource',
    label: 'Data source',
    type: 'datasource',
    query: 'influxdb',
  }
  return {
    uid,
    title,
    description,
    tags: ['mimamori'],
    schemaVersion: 39,
    version: 1,
    editable: false,
    // Each refresh asks every panel's query again; a person does not look more often.
    refresh: '30s',
    time: { from: 'now-6h', to: 'now' },
    timezone: 'browser',
    templating: { list: [dataSource, ...variables] },
    annotations: { list: annotations },
    links,
    panels: panels.map((panel, n) => ({ id: n + 1, ...panel })),
  }
}
