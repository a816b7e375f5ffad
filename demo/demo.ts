/** `mimamori demo`: two customers' places and the cloud on this machine, as child processes of this one. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { writeGatewayCredentials } from '../cloud/enrol.ts'
import { upsertPerson } from '../cloud/persons.ts'
import { openStore } from '../cloud/store/store.ts'
import { Fault } from '../protocol/kit/fault.ts'
import { untilAborted } from '../protocol/kit/loop.ts'
import { writeCloudConfig } from './cloud-config.ts'
import { writeGatewayConfigs } from './gateway-config.ts'
import { createPassword } from './passwords.ts'
import { type PortName, type Ports, persons, plant, portNames, shop } from './places.ts'
import { checkPortFree, findFreePorts } from './ports.ts'
import { createScreen, type DemoLogin, type Screen } from './screen.ts'
import { openSupervisor, type Part, type PartSpec } from './supervisor.ts'

const MIMAMORI = resolve(import.meta.dirname, '..', 'mimamori.ts')
const SIMULATORS = resolve(import.meta.dirname, '..', 'simulators', 'main.ts')

export interface DemoOptions {
  data: string
  port: number
  /** Seconds until the recorded fault comes. */
  faultAfter: number
  /** Seconds until a part that died starts again. */
  restartAfter: number
}

/** Ten shop days in one: parts wear visibly. */
const SHOP_SPEED = 10

export interface Demo extends AsyncDisposable {
  url: string
  ports: Ports
  logins: readonly DemoLogin[]
  dataDir: string
  part(name: string): Part
}

/** Parts in the order they start; stopped in reverse. */
const titles = [
  { name: 'press', title: 'Plant: hydraulic press (OPC UA)' },
  { name: 'chiller', title: 'Plant: chiller (Modbus TCP)' },
  { name: 'pos-1', title: 'Shop: POS terminal 1 (OPC UA)' },
  { name: 'pos-2', title: 'Shop: POS terminal 2 (OPC UA)' },
  { name: 'printer', title: 'Shop: receipt printer (ESC/POS)' },
  { name: 'cloud', title: 'Cloud: broker, models, console' },
  { name: 'gw-plant', title: 'Plant: gateway' },
  { name: 'gw-shop', title: 'Shop: gateway' },
] as const

/** Starts everything and resolves when all of it is ready. Throws Fault 'port.taken' or 'part.not-ready'. */
export async function startDemo(options: DemoOptions, screen?: Screen): Promise<Demo> {
  await checkPortFree(options.port, '--port N')
  const dataDir = resolve(options.data)
  const found = await findFreePorts(portNames.length)
  const ports = Object.fromEntries(portNames.map((name, i) => [name, found[i]])) as Record<
    PortName,
    number
  >
  const configs = { dataDir, ports, port: options.port }
  await writeCloudConfig(configs)
  const logins = await prepareState(dataDir)
  await using stack = new AsyncDisposableStack()
  const supervisor = stack.use(
    openSupervisor({
      logDir: join(dataDir, 'logs'),
      restartMs: options.restartAfter * 1000,
      onEvent: (event) => screen?.event(event),
    }),
  )
  const specs = describeParts(dataDir, ports, options)
  const parts = new Map(titles.map(({ name }) => [name as string, supervisor.add(specs[name])]))
  const start = async (...names: string[]): Promise<void> => {
    await Promise.all(names.map((name) => parts.get(name)?.start()))
  }
  await Promise.all([start('cloud'), start('press', 'chiller', 'pos-1', 'pos-2', 'printer')])
  const certificateOf = (name: PartName): string => readCertificate(parts.get(name))
  await writeGatewayConfigs(configs, {
    press: certificateOf('press'),
    pos1: certificateOf('pos-1'),
    pos2: certificateOf('pos-2'),
  })
  await start('gw-plant', 'gw-shop')
  const running = stack.move()
  return {
    url: `http://127.0.0.1:${options.port}`,
    ports,
    logins,
    dataDir,
    part(name) {
      const part = parts.get(name)
      if (!part) throw new RangeError(`the demo has no part "${name}"`)
      return part
    },
    [Symbol.asyncDispose]: async () => await running.disposeAsync(),
  }
}

/** Where the machine's OPC UA server says its certificate lies: commissioning, done by hand elsewhere. */
function readCertificate(part: Part | undefined): string {
  const endpoints = part?.ready?.endpoints as { certificate?: string } | undefined
  if (!endpoints?.certificate)
    throw new Fault('internal', { what: `${part?.name} told no certificate` })
  return resolve(endpoints.certificate)
}

/** Credentials of the gateways on the first start; new passwords on every start. */
async function prepareState(dataDir: string): Promise<DemoLogin[]> {
  const cloudDir = join(dataDir, 'cloud')
  await mkdir(cloudDir, { recursive: true, mode: 0o700 })
  for (const { site, gateway } of [plant, shop]) {
    const out = join(dataDir, gateway, 'credentials')
    await writeGatewayCredentials(join(cloudDir, 'pki'), { site, gateway }, out)
  }
  await using store = await openStore({ file: join(cloudDir, 'state.sqlite') })
  const logins: DemoLogin[] = []
  for (const { role, roleId, login, name } of persons) {
    const password = createPassword()
    await upsertPerson(store, {
      login,
      name,
      role: roleId,
      sites: [plant.site, shop.site],
      password,
    })
    logins.push({ role, login, password })
  }
  return logins
}

type PartName = (typeof titles)[number]['name']

/** What the machines' own screens call them. */
const names: Partial<Record<PartName, string>> = { press: '1', chiller: '1' }

function describeParts(
  dataDir: string,
  ports: Ports,
  options: DemoOptions,
): Record<PartName, PartSpec> {
  const simulator = (
    name: PartName,
    kind: string,
    flags: Record<string, string | number>,
  ): PartSpec => {
    const hasFiles = kind === 'press' || kind === 'pos'
    const all = {
      name: names[name] ?? name,
      ...(hasFiles && { dir: join(dataDir, 'machines', name) }),
      ...flags,
    }
    const args = Object.entries(all).flatMap(([flag, value]) => [`--${flag}`, String(value)])
    return { name, args: [SIMULATORS, kind, ...args] }
  }
  const own = (name: PartName, command: string, file: string): PartSpec => ({
    name,
    args: [MIMAMORI, command, 'run', '--config', join(dataDir, file)],
  })
  return {
    press: simulator('press', 'press', {
      'opcua-port': ports.pressOpcua,
      'http-port': ports.pressHttp,
      'fault-after': options.faultAfter,
    }),
    chiller: simulator('chiller', 'chiller', {
      'modbus-port': ports.chillerModbus,
      'http-port': ports.chillerHttp,
    }),
    'pos-1': simulator('pos-1', 'pos', {
      'opcua-port': ports.pos1Opcua,
      'http-port': ports.pos1Http,
      speed: SHOP_SPEED,
      seed: 1,
    }),
    'pos-2': simulator('pos-2', 'pos', {
      'opcua-port': ports.pos2Opcua,
      'http-port': ports.pos2Http,
      speed: SHOP_SPEED,
      seed: 2,
    }),
    printer: simulator('printer', 'printer', {
      'printer-port': ports.printerTcp,
      'http-port': ports.printerHttp,
    }),
    cloud: own('cloud', 'cloud', 'cloud.yaml'),
    'gw-plant': own('gw-plant', 'edge', 'gw-plant.yaml'),
    'gw-shop': own('gw-shop', 'edge', 'gw-shop.yaml'),
  }
}

/** Runs until the signal aborts. */
export async function runDemo(options: DemoOptions, signal: AbortSignal): Promise<void> {
  const startedAt = performance.now()
  const write = (text: string): void => void process.stdout.write(text)
  const screen = createScreen({ parts: titles, write, colour: process.stdout.isTTY === true })
  await using demo = await startDemo(options, screen)
  await writeFile(
    join(demo.dataDir, 'demo.json'),
    JSON.stringify({ pid: process.pid, url: demo.url, ports: demo.ports }, null, 2),
  )
  screen.ready({
    url: demo.url,
    seconds: (performance.now() - startedAt) / 1000,
    logins: demo.logins,
    faultAfterSeconds: options.faultAfter,
    dataDir: options.data,
  })
  await untilAborted(signal)
  write('\n  Stopping …\n')
}
