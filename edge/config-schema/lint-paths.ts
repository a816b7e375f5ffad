/** Whether the files and folders a configuration names are there and can be used, on this machine. */
import { constants } from 'node:fs'
import { access, stat } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import type { ConfigProblem, Path } from '../../protocol/kit/schema.ts'
import type { GatewayConfig } from '../config.ts'
import { credentialFiles } from '../credentials.ts'
import type { DeviceConfig } from '../device-config.ts'

interface Named {
  path: Path
  file: string
  /** Without it one device stays offline and the others go on: a unit unplugged must not keep a plant dark. */
  isWarning?: true
}

/** Everything the configuration names that is not there. */
export async function lintPaths(config: GatewayConfig): Promise<ConfigProblem[]> {
  const { baseDir, cloud, policy, devices, local } = config
  const credentials = Object.values(credentialFiles).map((name) => ({
    path: ['cloud', 'credentials'],
    file: join(cloud.credentials, name),
  }))
  const named: Named[] = [
    ...credentials,
    ...(policy === undefined ? [] : [{ path: ['policy'], file: policy }]),
    ...Object.entries(local.tls ?? {}).map(([key, file]) => ({
      ...{ path: ['local', 'tls', key], file },
    })),
    ...devices
      .flatMap((device, d) => namedBy(device, ['devices', d]))
      .map((it) => ({ ...it, isWarning: true as const })),
  ]
  const missing = await Promise.all(
    named.map(async ({ file, ...rest }) => {
      const say = await sayUnreadable(resolve(baseDir, file))
      return say === undefined ? [] : [{ ...rest, say: `${file} ${say}` }]
    }),
  )
  return [...missing.flat(), ...(await lintDataDir(config))]
}

/** The options of a device that are files of this machine. */
function namedBy({ driver, options }: DeviceConfig, path: Path): Named[] {
  if (driver === 'modbus' && options.transport === 'rtu') {
    return [{ path: [...path, 'serialPort'], file: String(options.serialPort) }]
  }
  if (driver !== 'opcua') return []
  const { trust, userCertificate } = options as {
    trust: string[]
    userCertificate?: { file: string; keyFile: string }
  }
  const place = [...path, 'userCertificate']
  return [
    ...trust.map((file, i) => ({ path: [...path, 'trust', i], file })),
    ...(userCertificate
      ? [
          { path: [...place, 'file'], file: userCertificate.file },
          { path: [...place, 'keyFile'], file: userCertificate.keyFile },
        ]
      : []),
  ]
}

async function sayUnreadable(file: string): Promise<string | undefined> {
  try {
    await access(file, constants.R_OK)
    return (await stat(file)).isDirectory() ? 'is a folder, not a file' : undefined
  } catch (error) {
    return sayReason(error)
  }
}

function sayReason(error: unknown): string {
  const { code } = error as NodeJS.ErrnoException
  if (code === 'ENOENT' || code === 'ENOTDIR') return 'does not exist'
  return code === 'EACCES' ? 'may not be read by this user' : `cannot be used (${code})`
}

/** The folder is made at the first start; the nearest one that exists must let us. */
async function lintDataDir({ baseDir, dataDir }: GatewayConfig): Promise<ConfigProblem[]> {
  const path = ['dataDir']
  for (let folder = resolve(baseDir, dataDir); ; folder = dirname(folder)) {
    const found = await stat(folder).catch(() => undefined)
    if (!found && folder !== dirname(folder)) continue
    if (!found?.isDirectory()) return [{ path, say: `${folder} is a file, not a folder` }]
    try {
      await access(folder, constants.W_OK)
      return []
    } catch {
      // Flash that has turned read-only: readings still go out from memory.
      return [{ path, say: `nothing can be written in ${folder} by this user`, isWarning: true }]
    }
  }
}
