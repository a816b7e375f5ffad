/** What only the whole configuration can tell: names that differ by case, places two devices claim, times that cannot be. */
import type { ConfigProblem, Path } from '../../protocol/kit/schema.ts'
import type { GatewayConfig } from '../config.ts'
import { type DeviceConfig, tagsOf } from '../device-config.ts'
import type { Policy } from '../tunnel/policy.ts'
import { lintBuses } from './lint-bus.ts'
import { lintOpcua } from './lint-opcua.ts'
import { lintTags } from './lint-tags.ts'

/** Everything a file says wrong although its schema is kept; pure. */
export function lintGateway(config: GatewayConfig): ConfigProblem[] {
  const { devices } = config
  return [
    ...lintTimeZone(config.timeZone),
    ...devices.flatMap((device, d) => {
      const path = ['devices', d]
      return [
        ...lintTwins(device, devices.slice(0, d), path),
        ...(device.driver === 'opcua' ? lintOpcua(device, path) : []),
        ...lintTags(device, path),
      ]
    }),
    ...lintBuses(devices),
  ]
}

/** What the policy says that the configuration contradicts. */
export function lintPolicy({ targets }: Policy, config: GatewayConfig): ConfigProblem[] {
  const tags = config.devices.flatMap(tagsOf)
  return targets.flatMap(({ keySwitch, host, port }, index): ConfigProblem[] => {
    const path = ['targets', index]
    const isSelf = /^(127\.|localhost$|::1$)/.test(host) && port === config.local.port
    if (isSelf) {
      return [{ path: [...path, 'port'], say: "is the gateway's own page, which is never opened" }]
    }
    if (keySwitch === undefined) return []
    const place = [...path, 'keySwitch']
    const tag = tags.find(({ id }) => id === keySwitch)
    if (!tag) return [{ path: place, say: `no device has a tag "${keySwitch}"` }]
    if (tag.type === 'Boolean') return []
    return [{ path: place, say: `"${keySwitch}" is a ${tag.type}; a key switch is a Boolean` }]
  })
}

function lintTimeZone(timeZone: string): ConfigProblem[] {
  try {
    new Intl.DateTimeFormat('en', { timeZone })
    return []
  } catch {
    const say = `"${timeZone}" is no time zone; write it like Asia/Tokyo`
    return [{ path: ['timeZone'], say }]
  }
}

function lintTwins(device: DeviceConfig, before: DeviceConfig[], path: Path): ConfigProblem[] {
  const problems: ConfigProblem[] = []
  // Equal ids are told by the schema's own check (tck-id-case-sensitivity-sparkplug-ids).
  const near = before.findIndex(
    ({ id }) => id !== device.id && id.toLowerCase() === device.id.toLowerCase(),
  )
  if (near >= 0) {
    const say = `differs from devices[${near}] by upper and lower case only`
    // Sparkplug only advises against it (tck-id-case-sensitivity-sparkplug-ids).
    problems.push({ path: [...path, 'id'], say, isWarning: true })
  }
  const claim = claimOf(device)
  const other = before.findIndex((it) => claim !== undefined && claimOf(it)?.what === claim.what)
  if (claim && other >= 0) {
    const say = `devices[${other}] has this ${claim.kind} already, and it takes one at a time; ${claim.advice}`
    problems.push({ path: [...path, claim.key], say })
  }
  return problems
}

interface Claim {
  what: string
  kind: string
  key: string
  advice: string
}

/** What only one device of ours may hold. */
function claimOf({ driver, options }: DeviceConfig): Claim | undefined {
  const { serialPort, host, port } = options
  if (driver === 'modbus' && serialPort !== undefined) {
    const advice = 'make it one device and give its tags "unitId"'
    return { what: String(serialPort), kind: 'serial port', key: 'serialPort', advice }
  }
  if (driver === 'escpos') {
    const advice = 'make it one device'
    return { what: `${host}:${port}`, kind: 'printer', key: 'host', advice }
  }
  return undefined
}
