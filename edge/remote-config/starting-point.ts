/** What the gateway starts with: the version the cloud has confirmed, or the site's own file whenever there is a doubt. */
import type { ConfigReason } from '../../protocol/api-gateway-config.ts'
import type { Log } from '../../protocol/kit/log.ts'
import type { GatewayConfig } from '../config.ts'
import { checkSent } from './check-sent.ts'
import { formatDevices, hashDevices } from './devices-text.ts'
import type { SiteRules } from './site-rules.ts'
import { type KeptVersion, NOTHING_SENT, type RemoteState, type StateFile } from './state-file.ts'

/** A configuration in force, as the cloud may see it. */
export interface InForce {
  config: GatewayConfig
  hash: string
  yaml: string
  /** Undefined: the site's own file. */
  version: number | undefined
}

/** The site's file as it is. */
function createOwn({ config }: SiteRules): InForce {
  const { devices } = config.source.value as { devices: unknown }
  return { config, hash: hashDevices(devices), yaml: formatDevices(devices), version: undefined }
}

/**
 * Reads the state and settles what the last run left open: a version on trial was not confirmed, so it is
 * gone. A version that no longer fits the site's file gives way to that file.
 */
export async function findStartingPoint(
  site: SiteRules,
  file: StateFile,
  log: Log,
): Promise<{ start: InForce; state: RemoteState; siteHash: string }> {
  const own = createOwn(site)
  const read = await file.read().catch(() => undefined)
  let state = read ?? { ...NOTHING_SENT, last: end(0, 'damaged', 'its state file was damaged') }
  if (state.pending) {
    const say = 'the gateway restarted before it was confirmed'
    state = { ...state, pending: null, last: end(state.pending.version, 'restarted', say) }
  }
  let start = own
  if (state.present) {
    const found = await loadKept(state.present, { site, file, own })
    if ('config' in found) start = found
    else state = { ...state, present: null, last: end(state.present.version, found.why, found.say) }
  }
  if (read !== undefined && state !== read) {
    log.warn({ version: state.last?.version, why: state.last?.why }, 'configuration reverted')
    // A disk that refuses now does not stop the gateway: the next start decides the same again.
    await file.write(state).catch((error) => log.error({ err: error }, 'state not written'))
  }
  return { start, state, siteHash: own.hash }
}

function end(version: number, why: ConfigReason, say: string): RemoteState['last'] {
  return { version, outcome: 'reverted', why, say }
}

async function loadKept(
  kept: KeptVersion,
  { site, file, own }: { site: SiteRules; file: StateFile; own: InForce },
): Promise<InForce | { why: ConfigReason; say: string }> {
  if (!site.config.remoteConfig.allow) {
    return { why: 'not-allowed', say: 'the file at the site does not allow it any more' }
  }
  if (kept.siteHash !== own.hash) {
    return { why: 'site-changed', say: 'the devices in the file at the site were changed' }
  }
  const yaml = await file.readText(kept).catch(() => undefined)
  if (yaml === undefined) return { why: 'damaged', say: 'its text on disk was damaged' }
  const { config, problems, raw } = await checkSent(yaml, site)
  if (config) return { config, hash: hashDevices(raw), yaml, version: kept.version }
  return { why: 'invalid', say: problems[0]?.say ?? 'this program does not accept it' }
}
