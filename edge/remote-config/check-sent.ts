/** A configuration from the cloud, checked by the very loader and lint of `edge check`, and by what the site leaves to the cloud. */
import type { ConfigProblemView } from '../../protocol/api-gateway-config.ts'
import {
  type ConfigProblem,
  formatPath,
  parseSource,
  type SourceDocument,
} from '../../protocol/kit/schema.ts'
import { examineGateway, type GatewayConfig } from '../config.ts'
import { lintAll } from '../config-schema/check.ts'
import { restoreSecrets } from './devices-text.ts'
import { lintSent, type SiteRules } from './site-rules.ts'

export interface CheckedDevices {
  /** Only without problems: the site's configuration with these devices in it. */
  config?: GatewayConfig
  problems: ConfigProblemView[]
  /** As they were sent, secrets not restored: for the hash. */
  raw: readonly unknown[]
}

export interface CheckSentOptions {
  /** What runs now: warnings it has already may stay. Left out at start, when there is nobody to mend anything. */
  present?: GatewayConfig
}

/** Everything wrong with it, beside its lines; else the configuration it makes. */
export async function checkSent(
  yaml: string,
  site: SiteRules,
  { present }: CheckSentOptions = {},
): Promise<CheckedDevices> {
  const parsed = parseSource(yaml, 'devices')
  if ('errors' in parsed) {
    const problems = parsed.errors.map(({ line = 1, say }) => ({ line, path: '', say }))
    return { problems, raw: [] }
  }
  const sent = parsed.source
  const shape = lintShape(sent.value)
  if (shape.length > 0) return { problems: locate(sent, shape), raw: [] }
  const raw = (sent.value as { devices: unknown[] }).devices
  const own = (site.config.source.value as { devices: unknown[] }).devices
  const { devices, problems } = restoreSecrets(raw, own)
  const source = mergeSource(site.config.source, sent, devices)
  const examined = await examineGateway(source, site.config.baseDir)
  problems.push(...examined.problems)
  const { config } = examined
  if (config && problems.length === 0) problems.push(...lintSent(config.devices, site))
  // Only then: looking for files that the site does not name would tell which of them exist.
  if (config && present && problems.length === 0) {
    problems.push(...(await lintLikeCheck(config, present)))
  }
  return { problems: locate(sent, problems), raw, ...(problems.length === 0 ? { config } : {}) }
}

/** `devices` and nothing else: credentials, policy, tunnel and the local page are the site's. */
function lintShape(value: unknown): ConfigProblem[] {
  const isMap = typeof value === 'object' && value !== null && !Array.isArray(value)
  if (!isMap || !Array.isArray((value as { devices?: unknown }).devices)) {
    return [{ path: [], say: 'begins with "devices:" and a list of devices' }]
  }
  return Object.keys(value)
    .filter((key) => key !== 'devices')
    .map((key) => ({ path: [key], say: 'is set in the file at the site only' }))
}

/** The site's file with the devices of the text: lines of devices are those of the text. */
function mergeSource(
  own: SourceDocument,
  sent: SourceDocument,
  devices: readonly unknown[],
): SourceDocument {
  return {
    ...own,
    value: { ...(own.value as object), devices },
    lineOf: (path) => (path[0] === 'devices' ? sent : own).lineOf(path),
  }
}

async function lintLikeCheck(
  config: GatewayConfig,
  present: GatewayConfig,
): Promise<ConfigProblem[]> {
  const { own, policy } = await lintAll(config)
  const known = new Set(
    (await lintAll(present)).own.map((problem) => nameWarning(problem, present)),
  )
  return [
    // What else the site's file has wrong is not the cloud's to mend.
    ...own.filter(
      (problem) =>
        problem.path[0] === 'devices' &&
        !(problem.isWarning && known.has(nameWarning(problem, config))),
    ),
    ...policy.map((say) => ({ path: [], say })),
  ]
}

/** By the device's id: its place in the list may be another one. */
function nameWarning({ path: [, index, ...rest], say }: ConfigProblem, config: GatewayConfig) {
  const id = config.devices[Number(index)]?.id
  return JSON.stringify([id, rest, say])
}

function locate(source: SourceDocument, problems: readonly ConfigProblem[]): ConfigProblemView[] {
  const views = problems.map(({ path, say }) => ({
    line: source.lineOf(path),
    path: formatPath(path),
    say,
  }))
  const seen = new Set<string>()
  return views
    .filter(({ path, say }) => !seen.has(`${path}\n${say}`) && seen.add(`${path}\n${say}`))
    .sort((a, b) => a.line - b.line)
}
