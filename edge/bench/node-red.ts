/** The peer: Node-RED with its Modbus nodes, installed into a temporary folder and run on a flow made for the run. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { Fault } from '../../protocol/kit/fault.ts'

const NODE_RED = '5.0.7'
const CONTRIB_MODBUS = '5.45.2'
const MODBUS_SERIAL = '8.0.25'
const INSTALL_TIMEOUT_MS = 120_000
const BLOCK = 125

export interface NodeRedPackages extends AsyncDisposable {
  folder: string
}

/** Undefined when they cannot be had (no registry). `MIMAMORI_BENCH_NODE_RED` names a folder that has them already. */
export async function installNodeRed(): Promise<NodeRedPackages | undefined> {
  const given = process.env.MIMAMORI_BENCH_NODE_RED
  if (given !== undefined) return { folder: given, [Symbol.asyncDispose]: async () => {} }
  const folder = await mkdtemp(join(tmpdir(), 'bench-node-red-'))
  const remove = () => rm(folder, { recursive: true, force: true })
  if (await install(folder)) return { folder, [Symbol.asyncDispose]: remove }
  await remove()
  return undefined
}

async function install(folder: string): Promise<boolean> {
  const manifest = {
    private: true,
    dependencies: { 'node-red': NODE_RED, 'node-red-contrib-modbus': CONTRIB_MODBUS },
    // Its own dependency is a file on a server outside the registry.
    overrides: { '@openp4nr/modbus-serial': `npm:modbus-serial@${MODBUS_SERIAL}` },
  }
  await writeFile(join(folder, 'package.json'), JSON.stringify(manifest))
  const args = ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']
  const timeout = INSTALL_TIMEOUT_MS
  const npm = spawn('npm', args, { cwd: folder, stdio: 'ignore', timeout })
  npm.on('error', () => undefined)
  const [code] = await once(npm, 'close')
  return code === 0
}

export interface FlowOptions {
  /** `tag`: a message a tag, as its users build it; `block`: the reply as it is, a message a block. */
  flow: 'tag' | 'block'
  modbusPort: number
  mqttPort: number
  blocks: number
  intervalMs: number
}

export interface NodeRedProcess extends AsyncDisposable {
  pid: number
}

/** Starts it and waits until its flows run. */
export async function startNodeRed(
  packages: string,
  options: FlowOptions,
): Promise<NodeRedProcess> {
  const folder = await mkdtemp(join(tmpdir(), 'bench-node-red-user-'))
  await symlink(join(packages, 'node_modules'), join(folder, 'node_modules'))
  await writeFile(join(folder, 'flows.json'), JSON.stringify(createFlow(options)))
  await writeFile(join(folder, 'settings.js'), SETTINGS)
  const program = join(packages, 'node_modules/node-red/red.js')
  const child = spawn(process.execPath, [program, '-u', folder], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  await startedLine(child)
  return {
    pid: child.pid ?? 0,
    async [Symbol.asyncDispose]() {
      const gone = once(child, 'exit')
      child.kill('SIGKILL')
      await gone
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** No editor, no HTTP nodes: a gateway that only runs its flow. */
const SETTINGS = `module.exports = {
  flowFile: 'flows.json', uiHost: '127.0.0.1', uiPort: 0, httpAdminRoot: false, httpNodeRoot: false,
  diagnostics: { enabled: false }, telemetry: { enabled: false },
  logging: { console: { level: 'info', metrics: false, audit: false } },
}
`

async function startedLine(child: ChildProcess): Promise<void> {
  if (!child.stdout) throw new Fault('bench.failed', { why: 'Node-RED has no output' })
  for await (const line of createInterface({ input: child.stdout })) {
    if (line.includes('Started flows')) {
      child.stdout.resume()
      return
    }
  }
  throw new Fault('bench.failed', { why: 'Node-RED did not start its flows' })
}

function createFlow(options: FlowOptions): object[] {
  const { modbusPort, mqttPort, blocks } = options
  const broker = { id: 'broker', type: 'mqtt-broker', broker: '127.0.0.1', port: String(mqttPort) }
  return [
    { id: 'flow', type: 'tab', label: 'bench' },
    {
      ...broker,
      clientid: '',
      autoConnect: true,
      usetls: false,
      protocolVersion: '4',
      keepalive: '60',
    },
    createClient(modbusPort),
    ...Array.from({ length: blocks }, (_, index) => createReader(index, options)).flat(),
    createOut(options.flow),
  ]
}

/** In the lean flow every message has the one topic of this node. */
function createOut(flow: FlowOptions['flow']): object {
  const topic = flow === 'tag' ? '' : 'block'
  const place = { z: 'flow', x: 500, y: 40 }
  return { id: 'out', type: 'mqtt out', ...place, topic, qos: '0', broker: 'broker' }
}

function createClient(tcpPort: number): object {
  return {
    id: 'client',
    type: 'modbus-client',
    clienttype: 'tcp',
    bufferCommands: true,
    tcpHost: '127.0.0.1',
    tcpPort: String(tcpPort),
    tcpType: 'DEFAULT',
    unit_id: '1',
    commandDelay: '1',
    clientTimeout: '1000',
    reconnectOnTimeout: true,
    reconnectTimeout: '2000',
    parallelUnitIdsAllowed: true,
  }
}

function createReader(index: number, { flow, intervalMs }: FlowOptions): object[] {
  const place = { z: 'flow', x: 100, y: 40 * (index + 1) }
  const address = index * BLOCK
  const read = {
    ...{ id: `read${index}`, type: 'modbus-read', ...place, name: '', topic: '' },
    ...{ unitid: '1', dataType: 'HoldingRegister', adr: String(address), quantity: String(BLOCK) },
    ...{ rate: String(intervalMs), rateUnit: 'ms', delayOnStart: false, server: 'client' },
    ...{ showStatusActivities: false, showErrors: false, emptyMsgOnFail: false },
  }
  if (flow === 'block') return [{ ...read, wires: [['out'], []] }]
  const func = `const t = Date.now()
return [msg.payload.map((v, i) => ({ topic: 'tag/' + (${address} + i), payload: { t, v } }))]`
  const split = { id: `split${index}`, type: 'function', ...place, x: 300, func, outputs: 1 }
  return [
    { ...read, wires: [[split.id], []] },
    { ...split, wires: [['out']] },
  ]
}
