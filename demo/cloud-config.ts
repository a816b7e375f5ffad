/** The demo's cloud.yaml: embedded broker, DuckDB, SQLite, and the fleet of both places. */
import { type ConfigOptions, HOST, writeConfigFiles } from './config-files.ts'
import {
  plant,
  posCounters,
  posTags,
  posWear,
  pressSensors,
  printerFields,
  shop,
  timeZone,
} from './places.ts'

/** Two days in a real shop; here a date must be seen within the demo. */
const DEMO_WATCH_HOURS = 0.02

/** cloud.yaml */
export async function writeCloudConfig({ dataDir, ports, port }: ConfigOptions): Promise<void> {
  const cloud = {
    dataDir: 'cloud',
    http: { host: HOST, port },
    hmi: { host: HOST, port: ports.hmi },
    broker: { kind: 'embedded', host: HOST, port: ports.broker },
    tunnel: { host: HOST, port: ports.tunnel },
    historian: { kind: 'duckdb' },
    fleet: describeFleet(),
  }
  await writeConfigFiles(dataDir, { 'cloud.yaml': cloud })
}

function describeFleet() {
  const tag = (place: { site: string; gateway: string }, device: string, name: string): string =>
    `${place.site}/${place.gateway}/${device}/${name}`
  const asset = (rest: object): object => ({
    targets: [],
    recovery: { holdMs: 20_000 },
    alarm: { severity: 700 },
    ...rest,
  })
  const state = ['CoolerInService', 'CoolerFault', 'Running', 'Cycle']
  const chiller = [
    'SupplyTemperature',
    'ReturnTemperature',
    'PumpSpeed',
    'Energy',
    'Setpoint',
    'Run',
    'Fault',
  ]
  const made = posCounters.flatMap(([part, counter, failed]) => [
    `${part}.${counter}/Life`,
    ...(failed ? [`${part}.${counter}/FailureRatio`] : []),
  ])
  const pos = [...posTags.map(([name]) => name), ...made]
  return {
    tenants: [
      { id: 'kita', name: 'Kita Press Works' },
      { id: 'sakura', name: 'Sakura Mart' },
    ],
    sites: [
      { id: plant.site, tenant: 'kita', name: plant.name, timeZone },
      { id: shop.site, tenant: 'sakura', name: shop.name, timeZone },
    ],
    gateways: [
      { site: plant.site, id: plant.gateway, title: 'Plant gateway' },
      { site: shop.site, id: shop.gateway, title: 'Shop gateway' },
    ],
    assets: [
      asset({
        id: 'press-1',
        site: plant.site,
        name: 'Hydraulic press',
        kind: 'press',
        model: 'shipped:hydraulic-press',
        tags: [...pressSensors.map(([name]) => name), ...state].map((name) =>
          tag(plant, 'press', name),
        ),
        targets: [{ gateway: plant.gateway, target: 'press-hmi' }],
      }),
      asset({
        id: 'chiller-1',
        site: plant.site,
        name: 'Chiller',
        kind: 'chiller',
        tags: chiller.map((name) => tag(plant, 'chiller', name)),
        targets: [{ gateway: plant.gateway, target: 'chiller-hmi' }],
      }),
      ...[1, 2].map((n) =>
        asset({
          id: `pos-${n}`,
          site: shop.site,
          name: `POS terminal ${n}`,
          kind: 'pos',
          tags: pos.map((name) => tag(shop, `pos-${n}`, name)),
          wear: posWear.map(([title, part, counter, limit, unit]) => ({
            ...{ part: title, limit, unit, watchHours: DEMO_WATCH_HOURS, leadDays: 2 },
            tag: tag(shop, `pos-${n}`, `${part}.${counter}/Life`),
            serial: tag(shop, `pos-${n}`, `${part}.SerialNumber`),
          })),
        }),
      ),
      asset({
        id: 'printer-1',
        site: shop.site,
        name: 'Receipt printer',
        kind: 'printer',
        tags: printerFields.map((name) => tag(shop, 'printer', name)),
      }),
    ],
  }
}
