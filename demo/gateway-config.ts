/** The demo's gateway configurations and site policies. */
import { type ConfigOptions, HOST, writeConfigFiles } from './config-files.ts'
import {
  plant,
  posCounters,
  posTags,
  pressSensors,
  printerFields,
  shop,
  timeZone,
} from './places.ts'

/** The model calls a value older than three seconds stale; the press repeats unchanged ones in time. */
const PRESS_SILENCE_MS = 2000

/** Certificates of the OPC UA servers, which the gateways are told to trust. */
export interface Certificates {
  press: string
  pos1: string
  pos2: string
}

/** gw-plant.yaml, gw-shop.yaml and the sites' own policies. */
export async function writeGatewayConfigs(
  { dataDir, ports }: ConfigOptions,
  certificates: Certificates,
): Promise<void> {
  const base = ({ site, gateway }: { site: string; gateway: string }, localPort: number) => ({
    site,
    gateway,
    timeZone,
    dataDir: gateway,
    cloud: {
      mqttUrl: `mqtts://${HOST}:${ports.broker}`,
      tunnelHost: HOST,
      tunnelPort: ports.tunnel,
      credentials: `${gateway}/credentials`,
    },
    local: { host: HOST, port: localPort },
    policy: `${gateway}.policy.yaml`,
    // The machines of the demo live on this computer; a site would name the networks of its own.
    remoteConfig: { allow: true, hosts: [HOST] },
  })
  await writeConfigFiles(dataDir, {
    'gw-plant.yaml': {
      ...base(plant, ports.plantLocal),
      devices: [
        describePress(ports.pressOpcua, certificates.press),
        describeChiller(ports.chillerModbus),
      ],
    },
    'gw-plant.policy.yaml': {
      targets: [
        webTarget('press-hmi', 'Press: web HMI of the PLC', ports.pressHttp),
        webTarget('chiller-hmi', 'Chiller: web HMI', ports.chillerHttp),
      ],
    },
    'gw-shop.yaml': {
      ...base(shop, ports.shopLocal),
      devices: [
        describePos('pos-1', ports.pos1Opcua, certificates.pos1),
        describePos('pos-2', ports.pos2Opcua, certificates.pos2),
        describePrinter(ports.printerTcp),
      ],
    },
    'gw-shop.policy.yaml': { targets: [] },
  })
}

/** The loopback is refused unless a policy names it; here the machines live on it. */
function webTarget(id: string, title: string, port: number) {
  return {
    id,
    kind: 'web',
    title,
    host: HOST,
    port,
    consent: 'request',
    rights: ['view', 'control'],
    maxMinutes: 60,
  }
}

function describePress(port: number, certificate: string) {
  const nodeId = (name: string): string => `nsu=urn:mimamori:simulator:press;s=Press.${name}`
  const plain = [
    { name: 'Cycle', type: 'Int32' },
    { name: 'Running', type: 'Boolean' },
    { name: 'CoolerInService', type: 'String' },
    { name: 'CoolerFault', type: 'Boolean' },
    { name: 'Ledger', type: 'Int64' },
  ]
  return {
    id: 'press',
    driver: 'opcua',
    endpoint: `opc.tcp://${HOST}:${port}`,
    security: 'Basic256Sha256',
    trust: [certificate],
    publishingIntervalMs: 250,
    samplingIntervalMs: 0,
    queueSize: 100,
    groups: [
      {
        name: 'sensors',
        intervalMs: 1000,
        mode: 'subscribe',
        maxSilenceMs: PRESS_SILENCE_MS,
        tags: pressSensors.map(([name, unit]) => ({
          name,
          type: 'Double',
          unit,
          nodeId: nodeId(name),
        })),
      },
      {
        name: 'state',
        intervalMs: 1000,
        mode: 'subscribe',
        tags: plain.map((tag) => ({ ...tag, nodeId: nodeId(tag.name) })),
      },
    ],
  }
}

function describeChiller(port: number) {
  const holding = (address: number, rest: object): object => ({
    table: 'holding',
    address,
    ...rest,
  })
  return {
    id: 'chiller',
    driver: 'modbus',
    host: HOST,
    port,
    groups: [
      {
        name: 'all',
        intervalMs: 1000,
        tags: [
          {
            name: 'SupplyTemperature',
            type: 'Float',
            unit: '°C',
            ...holding(0, { encoding: 'float32' }),
          },
          {
            name: 'ReturnTemperature',
            type: 'Float',
            unit: '°C',
            ...holding(2, { encoding: 'float32', byteOrder: 'CDAB' }),
          },
          { name: 'PumpSpeed', type: 'UInt16', unit: 'rpm', ...holding(4, { encoding: 'uint16' }) },
          {
            name: 'Energy',
            type: 'UInt32',
            unit: 'Wh',
            ...holding(5, { encoding: 'uint32', byteOrder: 'DCBA' }),
          },
          {
            name: 'Setpoint',
            type: 'Double',
            unit: '°C',
            scale: 0.1,
            ...holding(10, { encoding: 'int16' }),
          },
          { name: 'Run', type: 'Boolean', table: 'coil', address: 0 },
          { name: 'Fault', type: 'Boolean', table: 'coil', address: 1 },
        ],
      },
      {
        // Looked at four times while it shows one integer: no poll steps over one.
        name: 'ledger',
        intervalMs: 250,
        tags: [{ name: 'Ledger', type: 'UInt32', table: 'input', address: 0, encoding: 'uint32' }],
      },
    ],
  }
}

function describePos(id: string, port: number, certificate: string) {
  return {
    id,
    driver: 'opcua',
    endpoint: `opc.tcp://${HOST}:${port}`,
    trust: [certificate],
    groups: [
      {
        name: 'statistics',
        intervalMs: 1000,
        mode: 'subscribe',
        maxSilenceMs: 10_000,
        tags: posTags.map(([name, type, unit]) => ({
          ...{ name, type, unit, counter: counterOf(name) },
          nodeId: `nsu=urn:mimamori:simulator:pos;s=Pos.${name}`,
        })),
      },
    ],
  }
}

/** What of the terminal counts up; another serial number is another part. */
function counterOf(name: string) {
  const found = posCounters.find(([part, counter]) => name === `${part}.${counter}`)
  if (!found) return undefined
  const [part, , failed] = found
  return { serial: `${part}.SerialNumber`, ...(failed && { failures: `${part}.${failed}` }) }
}

function describePrinter(port: number) {
  const tags = printerFields.map((field) => ({ name: field, type: 'Boolean', field }))
  const groups = [{ name: 'status', intervalMs: 2000, maxSilenceMs: 10_000, tags }]
  return { id: 'printer', driver: 'escpos', host: HOST, port, groups }
}
