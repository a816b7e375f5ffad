/** `mimamori edge check`: everything that can be known of a configuration without opening a socket. */

import { isFault } from '../../protocol/kit/fault.ts'
import {
  type ConfigProblem,
  configFault,
  formatProblem,
  type SourceDocument,
} from '../../protocol/kit/schema.ts'
import { type GatewayConfig, readGatewayConfig, readPolicy } from '../config.ts'
import { tagsOf } from '../device-config.ts'
import { lintGateway, lintPolicy } from './lint-gateway.ts'
import { lintPaths } from './lint-paths.ts'

export interface CheckOptions {
  /** The gateway is another machine: what files it has cannot be known here. */
  elsewhere?: boolean
}

/** What is worth a word of a good file, or Fault 'config.invalid' with every error, each with file, line and path. */
export async function checkGateway(file: string, options: CheckOptions = {}): Promise<string> {
  const { config, warnings } = await loadCheckedGateway(file, options)
  const tags = config.devices.flatMap(tagsOf)
  const end = warnings.length === 0 ? 'nothing wrong' : `${warnings.length} warning(s)`
  const sentence = `${file}: ${config.devices.length} device(s), ${tags.length} tag(s), ${end}`
  return [...warnings.map((warning) => `warning: ${warning}`), sentence].join('\n')
}

/** The configuration and what is not good of it. Throws Fault 'config.invalid' with every error and every warning. */
export async function loadCheckedGateway(
  file: string,
  options: CheckOptions = {},
): Promise<{ config: GatewayConfig; warnings: string[] }> {
  const { config, source } = await readGatewayConfig(file)
  const { own, policy } = await lintAll(config, options)
  const warnings = own.filter(({ isWarning }) => isWarning)
  const isGood = warnings.length === own.length && policy.length === 0
  if (!isGood) throw configFault([...formatAll(source, own), ...policy])
  return { config, warnings: formatAll(source, warnings) }
}

/** Everything wrong with a configuration that its schemas accept: its own problems, and those of the policy file as sentences. */
export async function lintAll(
  config: GatewayConfig,
  { elsewhere }: CheckOptions = {},
): Promise<{ own: ConfigProblem[]; policy: string[] }> {
  const paths = elsewhere ? [] : await lintPaths(config)
  return { own: [...lintGateway(config), ...paths], policy: await checkPolicy(config) }
}

function formatAll(source: SourceDocument, problems: readonly ConfigProblem[]): string[] {
  return problems.map((problem) => formatProblem(source, problem))
}

async function checkPolicy(config: GatewayConfig): Promise<string[]> {
  try {
    const read = await readPolicy(config)
    return read ? formatAll(read.source, lintPolicy(read.policy, config)) : []
  } catch (error) {
    // One that is not there was told with the other paths.
    if (isFault(error, 'config.unreadable')) return []
    if (isFault(error, 'config.invalid')) return String(error.detail.problems).split('\n')
    throw error
  }
}
