/** The fleet at a glance: which assets are not as they should be, which devices are silent. */
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
  fillIn,
  type Link,
  matchVariable,
  NOTHING_WRONG,
  type PanelOptions,
  QUALITY_MAPPINGS,
  RATIO_STEPS,
} from './board.ts'

const SITE = matchVariable('site')
const MODEL = `${SITE} AND "gateway" = '${CLOUD_NODE}' AND "tag" = 'Model/Ratio'`
const MEASURED = `${SITE} AND "gateway" <> '${CLOUD_NODE}'`
const TO_ASSET = createLink('__field.labels')
const ROW_TO_ASSET = createLink('__data.fields')

/** To the asset board with site, asset and time kept; `from` is where Grafana finds the labels. */
function createLink(from: '__field.labels' | '__data.fields'): Link {
  const chosen = `var-site=${fillIn(`${from}.site`)}&var-asset=${fillIn(`${from}.device`)}`
  return {
    title: 'Open the asset',
    url: `/d/mimamori-asset?${chosen}&${fillIn('__url_time_range')}`,
  }
}
const PLAIN = [{ color: 'blue', value: null }] as const

const numbers: PanelOptions[] = [
  {
    title: 'Assets above their threshold',
    description: 'Assets whose newest model ratio is above 1. Nothing to show means none is.',
    at: [0, 0, 6, 4],
    query: `SELECT count("ratio") FROM (SELECT last("value") AS "ratio" ${FROM} WHERE ${MODEL} AND $timeFilter GROUP BY "site", "device") WHERE "ratio" > 1`,
    unit: 'none',
    steps: [
      { color: 'green', value: null },
      { color: 'red', value: 1 },
    ],
    noValue: NOTHING_WRONG,
  },
  {
    title: 'Assets watched',
    description:
      'Assets a model has scored in this time range. 0: no model runs, or scoring has stopped.',
    at: [6, 0, 6, 4],
    query: `SELECT count("ratio") FROM (SELECT last("value") AS "ratio" ${FROM} WHERE ${MODEL} AND $timeFilter GROUP BY "site", "device")`,
    unit: 'none',
    steps: PLAIN,
    noValue: '0',
  },
  {
    title: 'Devices heard from',
    description: 'Devices with at least one sample in this time range. 0: no gateway delivers.',
    at: [12, 0, 6, 4],
    query: `SELECT count("last") FROM (SELECT last("quality") AS "last" ${FROM} WHERE ${MEASURED} AND $timeFilter GROUP BY "site", "gateway", "device")`,
    unit: 'none',
    steps: PLAIN,
    noValue: '0',
  },
  {
    title: 'Readings that are not good',
    description:
      'Bad and stale readings in this time range, over all devices. None: every reading was good.',
    at: [18, 0, 6, 4],
    query: `SELECT count("quality") ${FROM} WHERE ${MEASURED} AND "quality" <> 192 AND $timeFilter`,
    unit: 'short',
    steps: [
      { color: 'green', value: null },
      { color: 'orange', value: 1 },
    ],
    noValue: NOTHING_WRONG,
  },
]

const overTime = [
  createTimeline({
    title: 'Model ratio of each asset',
    description: 'Green: normal; yellow: above 0.8; red: above the threshold. A hole: not scored.',
    at: [0, 4, 24, 7],
    query: `SELECT max("value") ${FROM} WHERE ${MODEL} AND $timeFilter GROUP BY time($__interval), "site", "device" fill(none)`,
    alias: '$tag_site · $tag_device',
    unit: 'none',
    decimals: 2,
    steps: RATIO_STEPS,
    noValue: 'not scored',
    link: TO_ASSET,
  }),
  createChart({
    title: 'Model ratio',
    description:
      'Highest ratio of each interval; the red line is the threshold. No line: not scored.',
    at: [0, 11, 12, 9],
    query: `SELECT max("value") ${FROM} WHERE ${MODEL} AND $timeFilter GROUP BY time($__interval), "site", "device" fill(none)`,
    alias: '$tag_site · $tag_device',
    unit: 'none',
    min: 0,
    decimals: 2,
    steps: RATIO_STEPS,
    noValue: 'not scored',
    link: TO_ASSET,
  }),
  createTable({
    title: 'Assets now',
    description: 'The newest ratio of each asset; click a row for the asset. Empty: no model runs.',
    at: [12, 11, 12, 9],
    query: `SELECT last("value") AS "Ratio" ${FROM} WHERE ${MODEL} AND $timeFilter GROUP BY "site", "device"`,
    unit: 'none',
    decimals: 2,
    steps: RATIO_STEPS,
    noValue: 'not scored',
    overrides: [
      {
        matcher: { id: 'byName', options: 'device' },
        properties: [{ id: 'links', value: [ROW_TO_ASSET] }],
      },
    ],
  }),
  createChart({
    title: 'Samples stored',
    description: 'Samples of each site per interval. A gap: the gateway was down or cut off.',
    at: [0, 20, 12, 8],
    query: `SELECT count("quality") ${FROM} WHERE ${MEASURED} AND $timeFilter GROUP BY time($__interval), "site" fill(0)`,
    alias: '$tag_site',
    unit: 'short',
    min: 0,
    steps: PLAIN,
    noValue: 'nothing stored',
  }),
  createTable({
    title: 'Devices',
    description:
      'When each device was last heard, and the quality of that reading. Empty: no device.',
    at: [12, 20, 12, 8],
    query: `SELECT last("quality") AS "Quality" ${FROM} WHERE ${MEASURED} AND $timeFilter GROUP BY "site", "gateway", "device"`,
    unit: 'none',
    steps: PLAIN,
    noValue: 'never heard',
    mappings: QUALITY_MAPPINGS,
  }),
]

/** All sites on one page. */
export const fleetBoard: Board = createBoard({
  uid: 'mimamori-fleet',
  title: 'Mimamori · Fleet',
  description: 'All sites: which assets need somebody, which devices are silent.',
  variables: [
    {
      name: 'site',
      label: 'Site',
      type: 'query',
      datasource: DATA_SOURCE,
      query: `SHOW TAG VALUES ${FROM} WITH KEY = "site"`,
      multi: true,
      includeAll: true,
      allValue: '.*',
      refresh: 2,
      sort: 1,
    },
  ],
  annotations: [
    {
      name: 'A model went above its threshold',
      datasource: DATA_SOURCE,
      enable: true,
      iconColor: 'red',
      // One mark an hour and asset: a fault that lasts must not paint the whole chart.
      target: {
        query: `SELECT first("value") AS "ratio" ${FROM} WHERE ${MODEL} AND "value" > 1 AND $timeFilter GROUP BY time(1h), "site", "device" fill(none)`,
        rawQuery: true,
        textColumn: 'ratio',
      },
    },
  ],
  links: [],
  panels: [...numbers.map((options) => createStat(options)), ...overTime],
})
