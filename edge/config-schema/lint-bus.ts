/** Modbus devices as a whole: registers read twice, groups and buses that are asked for more than their time. */
import type { ConfigProblem, Path } from '../../protocol/kit/schema.ts'
import type { DeviceConfig, GroupConfig } from '../device-config.ts'
import { busShare, lintGroup } from '../drivers/modbus/modbus.ts'
import type { ModbusOptions } from '../drivers/modbus/options.ts'

/** Beyond this share of its time a bus has no room left for slow answers and a retry. */
const MAX_BUS_SHARE = 0.8

/** Everything wrong with what all devices together ask of registers and buses. */
export function lintBuses(devices: readonly DeviceConfig[]): ConfigProblem[] {
  const modbus = devices.flatMap((device, d) =>
    device.driver === 'modbus' ? [{ device, path: ['devices', d] }] : [],
  )
  const own = modbus.flatMap(({ device, path }) => [
    ...findOverlaps(device, path),
    ...findUnreachable(device, path),
  ])
  // A group that cannot keep its interval alone overloads its bus too: told once.
  const isTold = own.some(({ path }) => path.at(-1) === 'intervalMs')
  // Readings come all the same, only later or twice: a gateway in a plant must start with it.
  return [...own, ...(isTold ? [] : lintLoad(modbus))].map((it) => ({ ...it, isWarning: true }))
}

/** Across groups too: a register in two groups is read twice. */
function findOverlaps(device: DeviceConfig, path: Path): ConfigProblem[] {
  const options = device.options as ModbusOptions
  const all = {
    name: 'all',
    intervalMs: Number.POSITIVE_INFINITY,
    tags: device.groups.flatMap(({ tags }) => tags.map(({ tag }) => tag)),
  }
  return lintGroup(all, options).map(({ tag, say }) => ({
    path: [...path, ...place(device, tag)],
    say,
  }))
}

function place({ groups }: DeviceConfig, name: string | undefined): Path {
  for (const [g, { tags }] of groups.entries()) {
    const t = tags.findIndex(({ tag }) => tag.name === name)
    if (t >= 0) return ['groups', g, 'tags', t]
  }
  return []
}

/** Groups whose reads alone take longer than their interval. */
function findUnreachable(device: DeviceConfig, path: Path): ConfigProblem[] {
  const options = device.options as ModbusOptions
  return device.groups.flatMap((group, g) =>
    lintGroup(toLint(group), options)
      .filter(({ tag }) => tag === undefined)
      .map(({ say }) => ({ path: [...path, 'groups', g, 'intervalMs'], say })),
  )
}

function toLint({ name, intervalMs, tags }: GroupConfig) {
  return { name, intervalMs, tags: tags.map(({ tag }) => tag) }
}

/** Devices behind one serial port, or one device server, share the time of its bus. */
function lintLoad(modbus: readonly { device: DeviceConfig; path: Path }[]): ConfigProblem[] {
  const buses = Map.groupBy(modbus, ({ device: { options } }) =>
    String(options.serialPort ?? `${options.host}:${options.port}`),
  )
  return [...buses].flatMap(([bus, on]): ConfigProblem[] => {
    const share = on.reduce((sum, { device: { groups, options } }) => {
      return sum + (busShare(groups.map(toLint), options as ModbusOptions) ?? 0)
    }, 0)
    const first = on[0]
    if (!first || share <= MAX_BUS_SHARE) return []
    const names = on.map(({ device }) => device.id).join(', ')
    const say = `the groups on ${bus} (${names}) need ${Math.round(share * 100)} % of its time: longer intervals, a higher baud rate or a second bus`
    return [{ path: first.path, say }]
  })
}
