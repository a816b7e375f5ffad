/** What the options and the addresses of an OPC UA device must agree upon. */
import type { ConfigProblem, Path } from '../../protocol/kit/schema.ts'
import type { DeviceConfig, GroupConfig } from '../device-config.ts'
import { addressOf } from '../drivers/opcua/address.ts'
import { parseBrowsePath } from '../drivers/opcua/browse-path.ts'
import { deprecatedPolicies, type OpcuaOptions } from '../drivers/opcua/options.ts'

/** Everything wrong with one OPC UA device. */
export function lintOpcua(device: DeviceConfig, path: Path): ConfigProblem[] {
  const options = device.options as OpcuaOptions
  return [
    ...lintOptions(options, path),
    ...device.groups.flatMap((group, g) => lintGroup(group, options, [...path, 'groups', g])),
  ]
}

function lintOptions(options: OpcuaOptions, path: Path): ConfigProblem[] {
  const { security, allowDeprecated, user, userCertificate, keepAliveMs, silenceMs } = options
  const problems: ConfigProblem[] = []
  if (!allowDeprecated && (deprecatedPolicies as readonly string[]).includes(security)) {
    const say = `${security} is deprecated; choose another one, or set "allowDeprecated"`
    problems.push({ path: [...path, 'security'], say })
  }
  if (user && userCertificate) {
    problems.push({ path: [...path, 'user'], say: 'give either "user" or "userCertificate"' })
  }
  if (silenceMs <= keepAliveMs) {
    const say = `not above keepAliveMs ${keepAliveMs}: a healthy subscription would be rebuilt`
    problems.push({ path: [...path, 'silenceMs'], say, isWarning: true })
  }
  return problems
}

function lintGroup(
  { mode, tags }: GroupConfig,
  { namespaces }: OpcuaOptions,
  path: Path,
): ConfigProblem[] {
  return tags.flatMap(({ tag }, t): ConfigProblem[] => {
    const place = [...path, 'tags', t]
    const { event, browsePath } = addressOf(tag)
    if (event !== undefined && mode === 'poll') {
      const say = 'events are pushed, never read: the group needs mode subscribe'
      return [{ path: [...place, 'event'], say }]
    }
    const steps = browsePath === undefined ? [] : (parseBrowsePath(browsePath) ?? [])
    const stranger = steps.find(({ prefix }) => prefix !== undefined && !(prefix in namespaces))
    if (!stranger) return []
    const say = `"${stranger.prefix}" is not among the namespaces of the device`
    return [{ path: [...place, 'browsePath'], say }]
  })
}
