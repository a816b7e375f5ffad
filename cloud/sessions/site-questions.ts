/** Questions to the people at a site: asked through the tunnel, again when it comes back, and their answer moves the session. */
import { isFault } from '../../protocol/kit/fault.ts'
import { type Broker, moveSession } from './broker.ts'
import { signGrant } from './running.ts'
import { siteDecides, windowFrom } from './session.ts'
import type { SessionRow } from './session-rows.ts'

export interface SiteQuestions extends AsyncDisposable {
  /** Asks once; resolves when the session has moved, or when the site could not be asked. Never rejects. */
  ask(row: SessionRow): Promise<void>
  /** Asks about every undecided session that nobody is being asked about. */
  askOpen(): Promise<void>
  /** The session is decided or over: nobody need answer any more. */
  withdraw(session: string): void
  /** True when the site itself decides on this session's target. */
  concerns(row: SessionRow): Promise<boolean>
}

/** `broker` is asked for late: both need each other. */
export function createSiteQuestions(broker: () => Broker): SiteQuestions {
  const open = new Map<string, { stop: AbortController; done: Promise<void> }>()
  const concerns = async ({ site, gateway, target }: SessionRow) =>
    (await broker().rows.target(site, gateway, target))?.consent === siteDecides
  const ask = async (row: SessionRow): Promise<void> => {
    const { hub, log } = broker()
    if (open.has(row.id) || !hub.isUp(row.site, row.gateway)) return
    const stop = new AbortController()
    const done = askSite(broker(), row, stop.signal)
      .catch((error: unknown) => log.error({ error, session: row.id }, 'the site was not asked'))
      .finally(() => open.delete(row.id))
    open.set(row.id, { stop, done })
    await done
  }
  return {
    ask,
    concerns,
    async askOpen() {
      for (const row of await broker().rows.openOnes()) {
        if (row.state === 'requested' && !open.has(row.id) && (await concerns(row))) void ask(row)
      }
    },
    withdraw: (session) => open.get(session)?.stop.abort(),
    async [Symbol.asyncDispose]() {
      for (const { stop } of open.values()) stop.abort()
      await Promise.all([...open.values()].map(({ done }) => done))
    },
  }
}

async function askSite(broker: Broker, row: SessionRow, signal: AbortSignal): Promise<void> {
  const { site, gateway, id: session } = row
  const grant = await signGrant(broker, { ...row, ...windowFrom(broker.now(), row) })
  try {
    const by = await broker.hub.askConsent({ site, gateway, session, grant }, signal)
    if (signal.aborted) return
    await settle(broker, row, { action: 'approve', note: `yes at the gateway: ${by}` })
  } catch (error) {
    // A line that broke: asked again when it is back. A withdrawn question has its answer already.
    if (signal.aborted || isFault(error, 'tunnel.down')) return
    if (!isFault(error, 'tunnel.refused')) throw error
    await settle(broker, row, { action: 'refuse', note: error.message })
  }
}

async function settle(
  broker: Broker,
  row: SessionRow,
  { action, note }: { action: 'approve' | 'refuse'; note: string },
): Promise<void> {
  const { decided_at, until_at } = windowFrom(broker.now(), row)
  const values = {
    decided_at,
    decision_note: note,
    until_at: action === 'approve' ? until_at : null,
  }
  const detail = { consent: siteDecides, note }
  try {
    await moveSession(broker, { actor: 'system', row, action, values, detail })
  } catch (error) {
    // Somebody in the cloud was faster, and that is on record.
    if (!isFault(error, 'session.not-allowed')) throw error
  }
}
