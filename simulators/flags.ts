/** The command line of a simulated machine: checked flag by flag, every problem said at once. */
import { parseArgs } from 'node:util'
import { Fault } from '../protocol/kit/fault.ts'

export const machineNames = ['press', 'chiller', 'pos', 'printer'] as const
export type MachineName = (typeof machineNames)[number]

export interface MachineFlags {
  machine: MachineName
  name: string
  host?: string
  opcuaPort?: number
  modbusPort?: number
  httpPort?: number
  printerPort?: number
  /** Folder of its own files. */
  dir?: string
  speed?: number
  seed?: number
  faultAfter?: number
}

interface FlagEntry {
  /** Which machines know it. */
  of: readonly MachineName[]
  /** Says what is wrong with the text; undefined when nothing is. */
  check(text: string): string | undefined
}

const anyText = () => undefined
const asPort = (text: string) =>
  isWithin(text, 0, 65535) && /^\d+$/.test(text)
    ? undefined
    : 'a port is a whole number, 0 to 65535'
const asSpeed = (text: string) =>
  isWithin(text, 0.1, 100) ? undefined : 'the speed is a number from 0.1 to 100'
const asSeconds = (text: string) =>
  text === 'never' || isWithin(text, 0, 1e9) ? undefined : 'seconds, 0 or more, or: never'
const asSeed = (text: string) =>
  isWithin(text, 0, 2 ** 32 - 1) && /^\d+$/.test(text) ? undefined : 'a seed is a whole number'

function isWithin(text: string, low: number, high: number): boolean {
  const value = Number(text)
  return text.trim() !== '' && value >= low && value <= high
}

export const flags = {
  name: { of: machineNames, check: anyText },
  host: { of: machineNames, check: anyText },
  'opcua-port': { of: ['press', 'pos'], check: asPort },
  'modbus-port': { of: ['chiller'], check: asPort },
  'http-port': { of: machineNames, check: asPort },
  'printer-port': { of: ['printer'], check: asPort },
  dir: { of: ['press', 'pos'], check: anyText },
  speed: { of: ['press', 'chiller', 'pos'], check: asSpeed },
  'fault-after': { of: machineNames, check: asSeconds },
  seed: { of: ['chiller', 'pos'], check: asSeed },
} as const satisfies Record<string, FlagEntry>
export type FlagName = keyof typeof flags

/** The press's main cooler begins to fail after so many seconds; other machines stay well unless told. */
const PRESS_FAULT_SECONDS = 75

/** Throws Fault 'config.invalid' with every problem in the detail. */
export function parseFlags(args: readonly string[]): MachineFlags {
  const problems: string[] = []
  const { values, positionals } = readArgs(args, problems)
  const machine = machineNames.find((name) => name === positionals[0])
  if (!machine || positionals.length > 1) {
    problems.unshift(`give one machine: ${machineNames.join(', ')}`)
  }
  for (const [flag, text] of Object.entries(values)) {
    const problem = judge(machine, flag, text)
    if (problem) problems.push(`--${flag} ${String(text)}: ${problem}`)
  }
  if (machine && needsDir(machine) && !values.dir) problems.push('--dir DIR is missing')
  if (problems.length > 0 || !machine) {
    throw new Fault('config.invalid', { count: problems.length, problems: problems.join('\n') })
  }
  return toFlags(machine, values as Partial<Record<FlagName, string>>)
}

function needsDir(machine: MachineName): boolean {
  return (flags.dir.of as readonly MachineName[]).includes(machine)
}

type Texts = Readonly<Record<string, string | boolean | undefined>>

function readArgs(args: readonly string[], problems: string[]) {
  const names = Object.keys(flags) as FlagName[]
  const options = Object.fromEntries(names.map((name) => [name, { type: 'string' as const }]))
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true, strict: false }) as {
      values: Texts
      positionals: string[]
    }
  } catch (error) {
    problems.push(error instanceof Error ? error.message : String(error))
    return { values: {}, positionals: [] }
  }
}

function judge(
  machine: MachineName | undefined,
  flag: string,
  text: string | boolean | undefined,
): string | undefined {
  const entry: FlagEntry | undefined = Object.hasOwn(flags, flag)
    ? flags[flag as FlagName]
    : undefined
  if (!entry) return `unknown flag; known: ${Object.keys(flags).join(', ')}`
  if (typeof text !== 'string' || text === '') return 'its value is missing'
  if (machine && !entry.of.includes(machine)) return `a ${machine} has no such flag`
  return entry.check(text)
}

function toFlags(machine: MachineName, texts: Partial<Record<FlagName, string>>): MachineFlags {
  const number = (flag: FlagName) => (texts[flag] === undefined ? undefined : Number(texts[flag]))
  const fault = texts['fault-after']
  const byItself = machine === 'press' ? PRESS_FAULT_SECONDS : undefined
  return {
    machine,
    name: texts.name ?? machine,
    host: texts.host,
    opcuaPort: number('opcua-port'),
    modbusPort: number('modbus-port'),
    httpPort: number('http-port'),
    printerPort: number('printer-port'),
    dir: texts.dir,
    speed: number('speed'),
    seed: number('seed'),
    faultAfter: fault === 'never' ? undefined : fault === undefined ? byItself : Number(fault),
  }
}
