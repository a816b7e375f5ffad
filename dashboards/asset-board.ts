/** One asset in depth: what its model says, and the tags it is computed from. */
import { CLOUD_NODE } from '../protocol/model.ts'
import {
  type Board,
  createBoard,
  createChart,
  createStat,
  createTable,
  createTimeline,
  DATA_SOURCE,
  FROM,
  matchVariable,
  QUALITY_MAPPINGS,
  RATIO_STEPS,
  type Variable,
} from './board.ts'

const SITE = matchVariable('site')
const MODEL = `${SITE} AND "gateway" = '${CLOUD_NODE}' AND ${matchVariable('device', 'asset')}`
const RATIO = `${MODEL} AND "tag" = 'Model/Ratio'`
const DEVICES = `${SITE} AND "gateway" <> '${CLOUD_NODE}'`
const MEASURED = `${DEVICES} AND ${matchVariable('device')} AND ${matchVariable('tag')}`
const PLAIN = [{ color: 'blue', value: null }] as const

const variables: Variable[] = [
  createVariable('site', 'Site', `SHOW TAG VALUES ${FROM} WITH KEY = "site"`),
  createVariable(
    'asset',
    'Asset',
    `SHOW TAG VALUES ${FROM} WITH KEY = "device" WHERE ${SITE} AND "gateway" = '${CLOUD_NODE}'`,
  ),
  {
    ...createVariable(
      'device',
      'Device',
      `SHOW TAG VALUES ${FROM} WITH KEY = "device" WHERE ${DEVICES}`,
    ),
    multi: true,
    includeAll: true,
    allValue: '.*',
  },
  {
    ...createVariable(
      'tag',
      'Tag',
      `SHOW TAG VALUES ${FROM} WITH KEY = "tag" WHERE ${DEVICES} AND ${matchVariable('device')}`,
    ),
    multi: true,
    includeAll: true,
    allValue: '.*',
  },
]

function createVariable(name: string, label: string, query: string): Variable {
  return { name, label, type: 'query', datasource: DATA_SOURCE, query, refresh: 2, sort: 1 }
}

const model = [
  createStat({
    title: 'Ratio now',
    description:
      'The newest score divided by its threshold: above 1 an alarm is due. None: not scored.',
    at: [0, 0, 6, 5],
    query: `SELECT last("value") ${FROM} WHERE ${RATIO} AND $timeFilter`,
    unit: 'none',
    decimals: 2,
    steps: RATIO_STEPS,
    noValue: 'not scored',
  }),
  createStat({
    title: 'Highest ratio',
    description: 'The highest ratio of this time range. None: not scored.',
    at: [6, 0, 6, 5],
    query: `SELECT max("value") ${FROM} WHERE ${RATIO} AND $timeFilter`,
    unit: 'none',
    decimals: 2,
    steps: RATIO_STEPS,
    noValue: 'not scored',
  }),
  createTimeline({
    title: 'State by the model',
    description: 'Green: normal; yellow: above 0.8; red: above the threshold. A hole: not scored.',
    at: [12, 0, 12, 5],
    query: `SELECT max("value") ${FROM} WHERE ${RATIO} AND $timeFilter GROUP BY time($__interval) fill(none)`,
    alias: 'ratio',
    unit: 'none',
    decimals: 2,
    steps: RATIO_STEPS,
    noValue: 'not scored',
  }),
  createChart({
    title: 'Ratio',
    description:
      'Highest and mean ratio of each interval; red: the threshold. No line: not scored.',
    at: [0, 5, 12, 8],
    query: `SELECT max("value") AS "highest", mean("value") AS "mean" ${FROM} WHERE ${RATIO} AND $timeFilter GROUP BY time($__interval) fill(none)`,
    alias: '$col',
    unit: 'none',
    min: 0,
    decimals: 2,
    steps: RATIO_STEPS,
    noValue: 'not scored',
  }),
  createChart({
    title: 'Score',
    description:
      'The raw output of the model, before it is divided by its threshold. No line: not scored.',
    at: [12, 5, 12, 8],
    query: `SELECT mean("value") ${FROM} WHERE ${MODEL} AND "tag" = 'Model/Score' AND $timeFilter GROUP BY time($__interval) fill(none)`,
    alias: 'score',
    unit: 'none',
    steps: PLAIN,
    noValue: 'not scored',
  }),
]

const tags = [
  createChart({
    title: 'Tags',
    description:
      'Mean of each tag and interval, without bad readings. No line: text, or nothing read.',
    at: [0, 13, 24, 10],
    query: `SELECT mean("value") ${FROM} WHERE ${MEASURED} AND "quality" > 0 AND $timeFilter GROUP BY time($__interval), "device", "tag" fill(none)`,
    alias: '$tag_device · $tag_tag',
    unit: 'short',
    steps: PLAIN,
    noValue: 'nothing read',
  }),
  createTimeline({
    title: 'Quality of each tag',
    description: 'The worst quality of each interval. A hole: nothing came from the gateway.',
    at: [0, 23, 12, 9],
    query: `SELECT min("quality") ${FROM} WHERE ${MEASURED} AND $timeFilter GROUP BY time($__interval), "device", "tag" fill(none)`,
    alias: '$tag_device · $tag_tag',
    unit: 'none',
    steps: PLAIN,
    noValue: 'nothing came',
    mappings: QUALITY_MAPPINGS,
  }),
  createTable({
    title: 'Tags now',
    description: 'The newest value of each numeric tag with its quality. Empty: nothing read.',
    at: [12, 23, 12, 9],
    query: `SELECT last("value") AS "Value", "quality" AS "Quality" ${FROM} WHERE ${MEASURED} AND $timeFilter GROUP BY "device", "tag"`,
    unit: 'short',
    steps: PLAIN,
    noValue: 'nothing read',
    overrides: [
      {
        matcher: { id: 'byName', options: 'Quality' },
        properties: [
          { id: 'mappings', value: QUALITY_MAPPINGS },
          { id: 'unit', value: 'none' },
        ],
      },
    ],
  }),
]

/** Reached from the fleet board by a click, with site and asset chosen. */
export const assetBoard: Board = createBoard({
  uid: 'mimamori-asset',
  title: 'Mimamori · Asset',
  description: 'One asset: its model and the tags of its devices.',
  variables,
  annotations: [
    {
      name: 'The model went above its threshold',
      datasource: DATA_SOURCE,
      enable: true,
      iconColor: 'red',
      target: {
        query: `SELECT first("value") AS "ratio" ${FROM} WHERE ${RATIO} AND "value" > 1 AND $timeFilter GROUP BY time(1h) fill(none)`,
        rawQuery: true,
        textColumn: 'ratio',
      },
    },
  ],
  links: [
    { title: 'Fleet', type: 'link', url: '/d/mimamori-fleet', keepTime: true, includeVars: false },
  ],
  panels: [...model, ...tags],
})
