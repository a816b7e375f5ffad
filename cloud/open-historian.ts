/** Opens the historian the configuration asks for. */
import { join } from 'node:path'
import type { Log } from '../protocol/kit/log.ts'
import type { CloudFile } from './config.ts'
import { openDuckdbHistorian } from './historian/duckdb.ts'
import type { Historian } from './historian/historian.ts'
import { openInfluxHistorian } from './historian/influx.ts'

/** DuckDB in one file of the data folder, or InfluxDB with its secrets from the environment. */
export async function openHistorian(
  config: CloudFile['historian'],
  dataDir: string,
  log: Log,
): Promise<Historian> {
  if (config.kind === 'duckdb') {
    return await openDuckdbHistorian({ file: join(dataDir, 'historian.duckdb'), log })
  }
  const { url, database, api, org, username } = config
  return await openInfluxHistorian({
    url,
    database,
    api,
    org,
    username,
    token: fromEnvironment(config.tokenEnv),
    password: fromEnvironment(config.passwordEnv),
  })
}

function fromEnvironment(name: string | undefined): string | undefined {
  return name === undefined ? undefined : process.env[name]
}
