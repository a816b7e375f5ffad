/** `mimamori edge import thingsboard`: the Modbus and OPC UA connectors of a ThingsBoard gateway as devices of ours. */
import { type Path, parseConfig, type SourceDocument } from '../../protocol/kit/schema.ts'
import { type DeviceText, idOf } from '../config-schema/format-devices.ts'
import type { Imported, ImportOptions, Left } from './imported.ts'
import { objectOf, type ThingsboardContext } from './thingsboard-json.ts'
import { importThingsboardModbus } from './thingsboard-modbus.ts'
import { importThingsboardOpcua } from './thingsboard-opcua.ts'

/** Throws Fault 'config.invalid' where the file is no JSON, with its line. */
export function importThingsboard(text: string, options: ImportOptions): Imported {
  const source = parseConfig(text, options.file)
  const left: Left[] = []
  const context = createContext(source, options, left)
  const root = objectOf(source.value)
  const devices: DeviceText[] = []
  const slaves = objectOf(root.master).slaves
  if (Array.isArray(slaves)) {
    context.leaveRest(root, [], ['master'])
    for (const [i, slave] of slaves.entries()) {
      const device = importThingsboardModbus(objectOf(slave), ['master', 'slaves', i], context)
      if (device) devices.push(device)
    }
  } else if (typeof objectOf(root.server).url === 'string') {
    const device = importThingsboardOpcua(root, context)
    if (device) devices.push(device)
  } else {
    context.leave([], 'left: neither "master.slaves" (Modbus) nor "server.url" (OPC UA) is here')
  }
  return { devices: distinct(devices), left }
}

function createContext(
  source: SourceDocument,
  options: ImportOptions,
  left: Left[],
): ThingsboardContext {
  const leave = (path: Path, say: string) => void left.push({ line: source.lineOf(path), say })
  return {
    options,
    leave,
    leaveRest(at, path, known) {
      for (const key of Object.keys(at)) {
        if (!known.includes(key)) leave([...path, key], `"${key}" left: ours has no such word`)
      }
    },
  }
}

function distinct(devices: readonly DeviceText[]): DeviceText[] {
  const taken = new Set<string>()
  return devices.map((device) => {
    const wanted = idOf(String(device.head.id))
    let id = wanted
    for (let turn = 2; taken.has(id); turn++) id = `${wanted}-${turn}`
    taken.add(id)
    return { ...device, head: { ...device.head, id } }
  })
}
