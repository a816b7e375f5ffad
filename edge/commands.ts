/** `mimamori edge …`: every command of the gateway, each importing its part when it is called. */
import { Argument, type Command, InvalidArgumentError, Option } from 'commander'
import { Fault } from '../protocol/kit/fault.ts'
import { nearest } from '../protocol/kit/nearest.ts'

const CONFIG = ['--config <file>', 'gateway.yaml'] as const

/** Adds the commands; `stopSignal` aborts on Ctrl-C. */
export function addEdgeCommands(program: Command, stopSignal: () => AbortSignal): void {
  const edge = program.command('edge').description('the gateway in a plant or shop')
  edge
    .command('run', { isDefault: true })
    .description('run a gateway')
    .option(...CONFIG)
    .argument('[words...]', 'none')
    .action(async (words: string[], { config }, run: Command) => {
      // Whatever is no other command comes here.
      if (words[0] !== undefined) throw refuseCommand(words[0], edge)
      if (config === undefined) run.error("error: required option '--config <file>' not specified")
      const { startLean } = await import('./lean-start.ts')
      startLean()
      const { runGateway } = await import('./main.ts')
      await runGateway(config, stopSignal())
    })
  addConfigCommands(edge)
  addLocalCommands(edge)
  addExploreCommands(edge, stopSignal)
  addImportCommand(edge)
}

function refuseCommand(word: string, { commands }: Command): Fault {
  const known = commands.map((command) => command.name())
  const near = nearest(word, known)
  const hint = near ? `did you mean "${near}"?` : `known are ${known.join(', ')}`
  return new Fault('config.invalid', { count: 1, problems: `edge ${word}: unknown, ${hint}` })
}

function addConfigCommands(edge: Command): void {
  edge
    .command('check')
    .description('check a configuration and open nothing')
    .requiredOption(...CONFIG)
    .option('--elsewhere', 'the gateway is another machine: do not look for the files it names')
    .action(async ({ config, elsewhere }) => {
      const { checkGateway } = await import('./config-schema/check.ts')
      console.log(await checkGateway(config, { elsewhere }))
    })
  edge
    .command('schema')
    .description('print the JSON Schema of gateway.yaml, for editors')
    .option('--policy', 'of the policy file instead')
    .action(async ({ policy }) => {
      const { createGatewaySchema, createPolicySchema, formatSchema } = await import(
        './config-schema/publish.ts'
      )
      process.stdout.write(
        formatSchema(policy ? createPolicySchema() : await createGatewaySchema()),
      )
    })
}

function addLocalCommands(edge: Command): void {
  edge
    .command('password')
    .description('set the password of the local page; asks for it, or reads one line from a pipe')
    .requiredOption(...CONFIG)
    .action(async ({ config }) => {
      const { askPassword, changePassword } = await import('./local-commands.ts')
      console.log(await changePassword(config, await askPassword(process.stdin)))
    })
  const trust = edge
    .command('trust')
    .description('certificates that OPC UA servers have shown and nobody has trusted yet')
  trust
    .command('list', { isDefault: true })
    .description('all of them, with fingerprints to compare at the machine')
    .requiredOption(...CONFIG)
    .action(async ({ config }) => {
      const { sayCertificates } = await import('./local-commands.ts')
      console.log(await sayCertificates(config))
    })
  for (const [name, verdict] of [['accept', 'accepted'] as const, ['reject', 'refused'] as const]) {
    trust
      .command(name)
      .description(`${name} one: from now on, or until it is decided otherwise`)
      .argument('<device>', 'as the configuration names it')
      .argument('<fingerprint>', 'SHA-256 or SHA-1, or its first eight digits or more')
      .requiredOption(...CONFIG)
      .action(async (device, print, { config }) => {
        const { judgeCertificate } = await import('./local-commands.ts')
        console.log(await judgeCertificate(config, { device, print, verdict }))
      })
  }
}

function addExploreCommands(edge: Command, stopSignal: () => AbortSignal): void {
  edge
    .command('read')
    .description('read one tag once, over a connection of its own')
    .argument('<tag>', 'device/name, or the whole id')
    .requiredOption(...CONFIG)
    .action(async (tag, { config }) => {
      const { formatReadTag, readTag } = await import('./explore/read-tag.ts')
      console.log(formatReadTag(await readTag(config, tag, stopSignal())))
    })
  edge
    .command('scan')
    .description('find which registers of a Modbus TCP device can be read; prints configuration')
    .argument('<protocol>', 'modbus', parseModbus)
    .argument('<host>', 'HOST or HOST:PORT', parseAddress)
    .option('--unit <ids>', 'e.g. 1, 1..5 or 1,7', parseUnits, [1])
    .addOption(new Option('--table <name>').choices([...tables]).default('holding'))
    .option('--from <address>', 'first address, zero-based', parseNumber(0, 65_535), 0)
    .option('--to <address>', 'last address', parseNumber(0, 65_535), 999)
    .option('--rate <n>', 'requests a second at most', parseNumber(1, 1000), 20)
    .option('--timeout <ms>', 'for each answer', parseNumber(50, 60_000), 2000)
    .action(async (_, place, { unit, rate, timeout, ...rest }) => {
      const { announceScan, scanModbus } = await import('./explore/scan-modbus.ts')
      const { formatScan } = await import('./explore/format-found.ts')
      if (rest.to < rest.from) {
        const problems = `--to ${rest.to} is below --from ${rest.from}`
        throw new Fault('config.invalid', { count: 1, problems })
      }
      const options = { ...place, ...rest, units: unit, timeoutMs: timeout, requestsPerS: rate }
      console.error(announceScan(options))
      const scanned = await scanModbus(options, stopSignal())
      for (const { unit: id, values, stopped } of scanned) {
        console.error(`unit ${id}: ${values.size} answered${stopped ? `; ${stopped}` : ''}`)
      }
      process.stdout.write(formatScan(scanned, options))
    })
  edge
    .command('browse')
    .description('list the variables of an OPC UA server; prints configuration')
    .argument('<endpoint>', 'opc.tcp://host:port')
    .option('--state <dir>', 'folder for our key and certificates not trusted yet', './browse')
    .option('--security <policy>', 'default: Basic256Sha256')
    .option('--trust <files...>', 'certificates the server may show')
    .option('--user <name>', 'sign in; the password comes from MIMAMORI_OPCUA_PASSWORD')
    .option('--root <nodeId>', 'where to begin; default: the Objects folder')
    .option('--max-nodes <n>', 'nodes looked at at most', parseNumber(1, 1_000_000))
    .action(async (endpoint, options) => {
      const { browseOpcua } = await import('./explore/browse-opcua.ts')
      const { config, report } = await browseOpcua(endpoint, options, stopSignal())
      console.error(report)
      process.stdout.write(config)
    })
}

function addImportCommand(edge: Command): void {
  edge
    .command('import')
    .description('turn the file of another gateway into ours; what was left is told on stderr')
    .addArgument(new Argument('<kind>', 'what made the file').choices(['telegraf', 'thingsboard']))
    .argument('<file>', 'telegraf.conf, modbus.json, opcua.json')
    .option('--namespace <n=uri...>', 'URIs of OPC UA namespaces the file has numbers of')
    .action(async (kind, file, { namespace = [] }) => {
      const { importFile } = await import('./import/import-file.ts')
      const { config, report } = await importFile(kind, file, parseNamespaces(namespace))
      console.error(report)
      process.stdout.write(config)
    })
}

function parseNamespaces(pairs: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const [, index, uri] = /^(\d+)=(.+)$/.exec(pair) ?? []
      if (index !== undefined && uri !== undefined) return [index, uri]
      const problems = `--namespace ${pair}: write NUMBER=URI`
      throw new Fault('config.invalid', { count: 1, problems })
    }),
  )
}

/** The tables as a person knows them; the driver is not imported for them. */
const tables = ['coil', 'discrete', 'input', 'holding']

function parseModbus(text: string): string {
  if (text !== 'modbus') throw new InvalidArgumentError('only modbus can be scanned')
  return text
}

function parseAddress(text: string): { host: string; port: number } {
  const [, bare, six, port = '502'] = /^(?:([^:[\]]+)|\[(.+)\])(?::(\d+))?$/.exec(text) ?? []
  const host = bare ?? six
  if (host === undefined) throw new InvalidArgumentError('write HOST, HOST:PORT or [IPv6]:PORT')
  return { host, port: parseNumber(1, 65_535)(port) }
}

function parseNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const number = Number(text)
    if (Number.isInteger(number) && number >= min && number <= max) return number
    throw new InvalidArgumentError(`a whole number from ${min} to ${max}`)
  }
}

/** `1`, `1..5`, `1,7..9` */
function parseUnits(text: string): number[] {
  const parse = parseNumber(0, 255)
  return text.split(',').flatMap((part) => {
    const [first = '', last = first] = part.split('..')
    const [from, to] = [parse(first), parse(last)]
    if (to < from) throw new InvalidArgumentError(`${part}: the first is above the last`)
    return Array.from({ length: to - from + 1 }, (_, i) => from + i)
  })
}
