/** Notices a certificate that somebody accepted at the gateway's terminal, in another process: its machine is tried again at once. */
import { repeatUntilDisposed } from '../protocol/kit/loop.ts'
import { trustChangedAt } from './drivers/opcua/trust-store.ts'
import { stateDirOf, withTrust } from './local-plant.ts'
import type { Parts } from './status.ts'

/** Whoever accepts it looks on; a look is one question to the file system for each OPC UA device. */
const LOOK_MS = 1_000

export function openTrustWatch({
  links,
  dataDir,
  log,
}: Pick<Parts, 'links' | 'log'> & { dataDir: string }): AsyncDisposable {
  const seen = new Map<string, number>()
  const look = async () => {
    for (const device of withTrust(links.configs())) {
      const at = await trustChangedAt(stateDirOf(dataDir, device))
      if (at === (seen.get(device) ?? 0)) continue
      // One that is connecting may have read the folder before: it is asked again until it waits.
      if (links.tryNow(device)) seen.set(device, at)
    }
  }
  const onError = (error: unknown) => log.warn({ error }, 'trusted certificates were not looked at')
  return repeatUntilDisposed(look, { everyMs: LOOK_MS, onError })
}
