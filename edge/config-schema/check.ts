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

/** One good sentence, or Fault 'config.invalid' with every problem, each with file, line and path. */
export async function checkGateway(file: string, options: CheckOptions = {}): Promise<string> {
  const { config, source } = await readGatewayConfig(file)
  const problems = [...lintGateway(config), ...(options.elsewhere ? [] : await lintPaths(config))]
  const sentences = [...formatAll(source, problems), ...(await checkPolicy(config))]
  if (sentences.length > 0) throw configFault(sentences)
  const tags = config.devices.flatMap(tagsOf)
  return `${file}: ${config.devices.length} device(s), ${tags.length} tag(s), nothing wrong`
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
