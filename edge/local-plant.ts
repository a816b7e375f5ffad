/** What the local page shows and may do, made of the gateway's parts: every act ends here. */
import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { namePort } from '../protocol/kit/name-port.ts'
import type { GatewayConfig } from './config.ts'
import { forgetCut, keepCut } from './cut-file.ts'
import type { DeviceConfig } from './device-config.ts'
import { decideTrust, listShown } from './drivers/opcua/trust-store.ts'
import type { EventWatch } from './event-watch.ts'
import { minutesOf } from './local/access-view.ts'
import { type LocalPage, openLocalPage } from './local/page.ts'
import { passwordFile } from './local/password.ts'
import type { Act, CertificateView, Plant } from './local/plant.ts'
import { createGatewayMetrics } from './metrics.ts'
import { createNumbers, type Parts, readStatus } from './status.ts'
import { createAuditFile } from './writing/audit-file.ts'

/** Opens the page of this gateway. Throws Fault 'port.taken'. */
export async function openPlantPage(
  parts: Parts & { events: EventWatch; dataDir: string },
): Promise<LocalPage> {
  const { config, dataDir, log } = parts
  return await namePort(
    openLocalPage({
      ...config.local,
      tls: await readTls(config),
      timeZone: config.timeZone,
      passwordFile: passwordFile(dataDir),
      plant: createPlant(parts),
      audit: createAuditFile(localAuditFile(dataDir)),
      metrics: createGatewayMetrics(createNumbers(parts)),
      log,
    }),
    'local.port in the configuration',
  )
}

async function readTls({ baseDir, local: { tls } }: GatewayConfig) {
  if (!tls) return undefined
  const read = (file: string) => readFile(resolve(baseDir, file), 'utf8')
  return { cert: await read(tls.certFile), key: await read(tls.keyFile) }
}

/** Where every act at the gateway stands, one JSON line each. */
export function localAuditFile(dataDir: string): string {
  return join(dataDir, 'local-audit.ndjson')
}

/** Where a device keeps its keys and certificates. */
export function stateDirOf(dataDir: string, device: string): string {
  return join(dataDir, 'devices', device)
}

function createPlant(parts: Parts & { events: EventWatch; dataDir: string }): Plant {
  const { policy, dialer, events, dataDir, links } = parts
  return {
    site: parts.config.site,
    gateway: parts.config.gateway,
    status: () => readStatus(parts),
    targets: () => policy.targets.map(({ title, consent }) => ({ title, consent })),
    questions: () =>
      dialer.questions().map(({ claims, target, askedAt, until }) => ({
        ...{ session: claims.session, person: claims.person.name, title: target.title },
        ...{ rights: claims.rights, reason: claims.reason, askedAt, until },
        minutes: minutesOf(claims.from, claims.until),
      })),
    sessions: () => dialer.sessions(),
    certificates: () => listCertificates(dataDir, withTrust(links.configs())),
    events() {
      events.look()
      return events.list()
    },
    async perform(act) {
      const isDone = await perform(parts, act)
      const { kind: what, object, by: who } = act
      const why = what === 'cut' ? object : undefined
      if (isDone) events.add({ at: Date.now(), kind: 'act', what, who, why })
      return isDone
    },
  }
}

/** Those whose servers show certificates. */
export function withTrust(devices: readonly DeviceConfig[]): string[] {
  return devices.filter(({ driver }) => driver === 'opcua').map(({ id }) => id)
}

/** Of these devices, those with certificates. */
export async function listCertificates(
  dataDir: string,
  devices: readonly string[],
): Promise<CertificateView[]> {
  const lists = await Promise.all(
    devices.map(async (device) =>
      (await listShown(stateDirOf(dataDir, device))).map(({ file: _, ...it }) => ({
        ...it,
        device,
      })),
    ),
  )
  return lists.flat()
}

type Perform = (
  parts: Parts & { dataDir: string },
  act: Pick<Act, 'object' | 'by'>,
) => boolean | Promise<boolean>

const performers: Record<Act['kind'], Perform> = {
  async cut(parts, { object: reason, by }) {
    parts.dialer.kill(reason, by)
    await keepCut(parts, reason)
    return true
  },
  async restore({ dialer, dataDir }) {
    await forgetCut(dataDir)
    dialer.restore()
    return true
  },
  'allow-session': ({ dialer }, { object, by }) => dialer.answer(object, { allow: true, by }),
  'refuse-session': ({ dialer }, { object, by }) => dialer.answer(object, { allow: false, by }),
  'end-session'({ dialer }, { object, by }) {
    const isHere = dialer.sessions().some(({ session }) => session === object)
    if (isHere) dialer.endSession(object, by)
    return isHere
  },
  'trust-certificate': (parts, { object }) => decide(parts, object, 'accepted'),
  'refuse-certificate': (parts, { object }) => decide(parts, object, 'refused'),
}

async function perform(parts: Parts & { dataDir: string }, { kind, ...about }: Act) {
  return await performers[kind](parts, about)
}

/** `object` is `device/sha256`; only a device of the configuration has a folder that may be touched. */
async function decide(
  { dataDir, links }: Pick<Parts, 'links'> & { dataDir: string },
  object: string,
  verdict: 'accepted' | 'refused',
): Promise<boolean> {
  const [device = '', sha256 = ''] = object.split('/')
  const isKnown = withTrust(links.configs()).includes(device)
  const isDone = isKnown && (await decideTrust(stateDirOf(dataDir, device), sha256, verdict))
  // Whoever trusts a machine stands before it and waits: the next try may be a minute away.
  if (isDone && verdict === 'accepted') links.tryNow(device)
  return isDone
}
