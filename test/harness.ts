/** The whole product in one process and one temporary folder: cloud, gateway, simulated machines, and people who log in. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parse, stringify } from 'yaml'
import { loadCloudConfig } from '../cloud/config.ts'
import { writeGatewayCredentials } from '../cloud/enrol.ts'
import { type Cloud, openCloud } from '../cloud/main.ts'
import { writeCloudConfig } from '../demo/cloud-config.ts'
import { writeGatewayConfigs } from '../demo/gateway-config.ts'
import { type PortName, type Ports, persons, plant, portNames, shop } from '../demo/places.ts'
import { findFreePorts } from '../demo/ports.ts'
import { loadGatewayConfig } from '../edge/config.ts'
import { type Gateway, openGateway } from '../edge/main.ts'
import { type Chiller, openChiller } from '../simulators/machines/chiller.ts'
import { openPress, type Press } from '../simulators/machines/press.ts'

// A tour is read by people: the parts' own logs only when asked for.
process.env.MIMAMORI_LOG ??= 'silent'

export type MachineName = 'press' | 'chiller'
export type Login = (typeof persons)[number]['login'] | 'admin'
const PASSWORD = 'correct horse battery staple'

export interface HarnessOptions {
  /** The plant's machines to start; the gateway is configured for these only. */
  machines: readonly MachineName[]
  /** Changes the cloud's configuration file before the cloud reads it. */
  changeCloud?(file: Record<string, unknown>): void
  /** Changes the gateway's configuration file before the gateway reads it. */
  changeGateway?(file: GatewayFile): void
  /** Changes the site's own policy file before the gateway reads it. */
  changePolicy?(policy: SitePolicy): void
  /** Called when the cloud is open and no gateway is: whoever wants to hear the first birth listens from here. */
  beforeGateway?(cloud: Cloud): Promise<void>
}

/** The part of the gateway's file that tests change. */
export interface GatewayFile {
  devices: Record<string, unknown>[]
}

/** The part of the site's policy file that tests change. */
export interface SitePolicy {
  targets: Record<string, unknown>[]
}

export interface Reply {
  status: number
  // biome-ignore lint/suspicious/noExplicitAny: tests look into any body
  body: any
}

export interface Harness extends AsyncDisposable {
  readonly dir: string
  readonly cloud: Cloud
  readonly gateway: Gateway
  readonly ports: Ports
  /** Throws when the machine was not asked for. */
  readonly press: Press
  readonly chiller: Chiller
  /** One call of the API as this person; nobody when left out. */
  call(path: string, options?: { as?: Login; body?: unknown }): Promise<Reply>
  /** The `cookie` header of this person's login. */
  cookieOf(login: Login): Promise<string>
}

/** Starts cloud, machines and the plant's gateway; they use the very configuration files of the demo. */
export async function openHarness(options: HarnessOptions): Promise<Harness> {
  await using stack = new AsyncDisposableStack()
  const dir = await mkdtemp(join(tmpdir(), 'mimamori-test-'))
  stack.defer(() => rm(dir, { recursive: true, force: true }))
  const [port = 0, ...found] = await findFreePorts(portNames.length + 1)
  const ports = Object.fromEntries(portNames.map((name, i) => [name, found[i]])) as Record<
    PortName,
    number
  >
  await writeCloudConfig({ dataDir: dir, ports, port })
  await rewrite(join(dir, 'cloud.yaml'), (file: Record<string, unknown>) =>
    options.changeCloud?.(file),
  )
  for (const place of [plant, shop]) {
    const out = join(dir, place.gateway, 'credentials')
    await writeGatewayCredentials(join(dir, 'cloud', 'pki'), place, out)
  }
  const cloud = stack.use(await openCloud(await loadCloudConfig(join(dir, 'cloud.yaml'))))
  // The demo has no administrator: nobody in its story needs one.
  const admin = { login: 'admin', name: 'Ada Admin', roleId: 'admin' } as const
  for (const { login, name, roleId: role } of [...persons, admin]) {
    const sites = [plant.site, shop.site]
    await cloud.parts.identity.createPerson({ login, name, role, sites, password: PASSWORD })
  }
  const press = options.machines.includes('press')
    ? stack.use(await openDemoPress(dir, ports))
    : undefined
  const chiller = options.machines.includes('chiller')
    ? stack.use(await openDemoChiller(ports))
    : undefined
  const certificate = press?.endpoints.certificate ?? 'none.pem'
  await writeGatewayConfigs(
    { dataDir: dir, ports, port },
    { press: certificate, pos1: 'none.pem', pos2: 'none.pem' },
  )
  await narrowGateway(dir, options)
  await options.beforeGateway?.(cloud)
  const gateway = stack.use(
    await openGateway(await loadGatewayConfig(join(dir, `${plant.gateway}.yaml`))),
  )
  const people = createPeople(cloud.url)
  const running = stack.move()
  return {
    ...{ dir, cloud, gateway, ports },
    ...people,
    get press() {
      return present(press, 'press')
    },
    get chiller() {
      return present(chiller, 'chiller')
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  }
}

/**
 * Answers the first truthy value of `condition`; an error of it counts as "not yet". Throws an error that names
 * what never came. The deadline is generous: it is for what never happens, not for what is slow.
 */
export async function waitFor<T>(
  condition: () => T | Promise<T>,
  what: string,
  timeoutMs = 45_000,
): Promise<NonNullable<T>> {
  const deadline = Date.now() + timeoutMs
  let last: unknown
  while (Date.now() < deadline) {
    try {
      last = await condition()
      if (last) return last as NonNullable<T>
    } catch (error) {
      last = error
    }
    await sleep(50)
  }
  throw new Error(`waited ${timeoutMs / 1000} s in vain for ${what}; the last answer was ${last}`)
}

async function openDemoPress(dir: string, ports: Ports): Promise<Press> {
  return await openPress({
    name: 'press',
    dir: join(dir, 'machines', 'press'),
    opcuaPort: ports.pressOpcua,
    httpPort: ports.pressHttp,
  })
}

async function openDemoChiller(ports: Ports): Promise<Chiller> {
  const { chillerModbus: modbusPort, chillerHttp: httpPort } = ports
  return await openChiller({ name: 'chiller', modbusPort, httpPort })
}

function present<T>(machine: T | undefined, name: MachineName): T {
  if (machine === undefined) throw new RangeError(`this harness was opened without the ${name}`)
  return machine
}

/** Leaves only the machines of this harness in the gateway's files, and applies the test's own policy. */
async function narrowGateway(dir: string, options: HarnessOptions): Promise<void> {
  await rewrite(join(dir, `${plant.gateway}.yaml`), (file: GatewayFile) => {
    file.devices = file.devices.filter(({ id }) => options.machines.some((name) => name === id))
    options.changeGateway?.(file)
  })
  await rewrite(join(dir, `${plant.gateway}.policy.yaml`), (policy: SitePolicy) =>
    options.changePolicy?.(policy),
  )
}

async function rewrite<T>(file: string, change: (value: T) => void): Promise<void> {
  const value = parse(await readFile(file, 'utf8')) as T
  change(value)
  await writeFile(file, stringify(value))
}

function createPeople(url: string): Pick<Harness, 'call' | 'cookieOf'> {
  const cookies = new Map<Login, Promise<string>>()
  const post = (path: string, body: unknown, cookie = '') =>
    fetch(new URL(path, url), {
      method: 'POST',
      headers: { 'content-type': 'application/json', origin: url, cookie },
      body: JSON.stringify(body),
    })
  const cookieOf = async (login: Login): Promise<string> => {
    const known = cookies.get(login) ?? logIn(login)
    cookies.set(login, known)
    return await known
  }
  const logIn = async (login: Login): Promise<string> => {
    const answer = await post('/api/login', { login, password: PASSWORD })
    if (answer.status !== 200) throw new Error(`${login} cannot log in: ${await answer.text()}`)
    return answer.headers.getSetCookie()[0]?.split(';')[0] ?? ''
  }
  return {
    cookieOf,
    async call(path, { as, body } = {}) {
      const cookie = as ? await cookieOf(as) : ''
      const answer =
        body === undefined
          ? await fetch(new URL(path, url), { headers: { cookie } })
          : await post(path, body, cookie)
      const text = await answer.text()
      return { status: answer.status, body: text === '' ? undefined : JSON.parse(text) }
    },
  }
}
