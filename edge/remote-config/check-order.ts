/** One check from plain data to plain data, so that it can be made in any thread. */
import type { ConfigDiff, ConfigProblemView } from '../../protocol/api-gateway-config.ts'
import { parseConfig } from '../../protocol/kit/schema.ts'
import { examineGateway } from '../config.ts'
import type { DeviceConfig } from '../device-config.ts'
import { checkSent } from './check-sent.ts'
import { hashDevices } from './devices-text.ts'
import { diffDevices } from './diff-devices.ts'

export interface CheckOrder {
  yaml: string
  /** The file at the site. */
  site: { text: string; file: string; baseDir: string }
  keySwitches: readonly string[]
  /** What runs now. */
  present: readonly DeviceConfig[]
}

export interface CheckVerdict {
  problems: ConfigProblemView[]
  /** Only without problems. */
  found?: { devices: DeviceConfig[]; hash: string; diff: ConfigDiff }
}

/** Blocks its thread for as long as it takes: some 0.2 ms a tag. */
export async function carryOutCheck(order: CheckOrder): Promise<CheckVerdict> {
  const { yaml, site, present, keySwitches } = order
  const own = await examineGateway(parseConfig(site.text, site.file), site.baseDir)
  if (!own.config) return { problems: own.problems.map(({ say }) => ({ line: 1, path: '', say })) }
  const rules = { config: own.config, keySwitches }
  const runs = { ...own.config, devices: [...present] }
  const { config, problems, raw } = await checkSent(yaml, rules, { present: runs })
  if (!config) return { problems }
  const { devices } = config
  return {
    problems,
    found: { devices, hash: hashDevices(raw), diff: diffDevices(present, devices) },
  }
}
