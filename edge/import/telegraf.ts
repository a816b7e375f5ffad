/** `mimamori edge import telegraf`: the Modbus and OPC UA inputs of a Telegraf file as devices of ours. */
import type { DeviceText } from '../config-schema/format-devices.ts'
import type { Imported, ImportOptions, Left } from './imported.ts'
import { openSection, type Section } from './section.ts'
import { importTelegrafModbus } from './telegraf-modbus.ts'
import { importTelegrafOpcua } from './telegraf-opcua.ts'
import { isTable, parseToml, type TomlTable } from './toml.ts'

/** What the sections of one file share. */
export interface TelegrafContext {
  options: ImportOptions
  left: Left[]
  /** Of the agent; an input may have its own. */
  intervalMs: number
  /** A device id that no other has. */
  name(wanted: string): string
}

/** Telegraf's own default. */
const DEFAULT_INTERVAL_MS = 10_000

const importers: Readonly<
  Record<string, (input: Section, context: TelegrafContext) => DeviceText | undefined>
> = {
  modbus: importTelegrafModbus,
  opcua: importTelegrafOpcua,
  opcua_listener: importTelegrafOpcua,
}

/** Throws Fault 'config.invalid' where the file is no TOML, with its line. */
export function importTelegraf(text: string, options: ImportOptions): Imported {
  const root = parseToml(text, options.file)
  const left: Left[] = []
  const context: TelegrafContext = {
    options,
    left,
    intervalMs: readInterval(root, left),
    name: createIds(),
  }
  const devices: DeviceText[] = []
  for (const [kind, { line, value }] of root.entries) {
    if (kind === 'agent') continue
    if (kind !== 'inputs' || !isTable(value)) {
      left.push({ line, say: `[${kind}] left: where readings go is "cloud" here` })
      continue
    }
    for (const [plugin, entry] of value.entries) {
      const read = importers[plugin]
      if (!read) {
        left.push({
          line: entry.line,
          say: `[[inputs.${plugin}]] left: no driver of ours reads it`,
        })
        continue
      }
      for (const table of [entry.value].flat().filter(isTable)) {
        const section = openSection(table, left, `inputs.${plugin}`)
        const device = read(section, context)
        if (device) devices.push(device)
        section.close()
      }
    }
  }
  return { devices, left }
}

/** Of the agent's words only the interval has a meaning here. */
function readInterval(root: TomlTable, left: Left[]): number {
  const agent = root.entries.get('agent')?.value
  if (!isTable(agent)) return DEFAULT_INTERVAL_MS
  const section = openSection(agent, left, 'agent')
  const intervalMs = section.durationMs('interval') ?? DEFAULT_INTERVAL_MS
  section.close()
  return intervalMs
}

function createIds(): (wanted: string) => string {
  const taken = new Set<string>()
  return (wanted) => {
    let id = wanted
    for (let turn = 2; taken.has(id); turn++) id = `${wanted}-${turn}`
    taken.add(id)
    return id
  }
}
