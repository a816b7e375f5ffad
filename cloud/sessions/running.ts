/** The sessions that run now: each with its recorder, its grants and its streams. */
import { randomBytes } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { GRANT_OPEN_WINDOW_MS, type GrantClaims, type SessionRight } from '../../protocol/grant.ts'
import { Fault, isFault } from '../../protocol/kit/fault.ts'
import type { SessionEndReason } from '../../protocol/states.ts'
import type { Broker } from './broker.ts'
import { createLiveSession, type LiveSessionControl } from './live-session.ts'
import { openRecorder, type Recorder } from './recorder.ts'
import { readRecording } from './recording.ts'
import { endingOf } from './session.ts'
import type { SessionRow } from './session-rows.ts'

export interface Running {
  /** Opens the recorder, then a first stream as a proof that the gateway agrees; throws what stands against it. */
  start(row: SessionRow): Promise<void>
  /** A fresh address for the session's view. */
  view(id: string, publicBase: string): string
  setPaused(id: string, paused: boolean): Promise<void>
  /** Cuts the streams, tells the gateway, closes the recording; its SHA-256, or undefined when there is none. */
  finish(
    row: SessionRow,
    ending: { reason: SessionEndReason; note?: string },
  ): Promise<string | undefined>
  /** Last byte either way. */
  activeAt(id: string): number | undefined
  ids(): string[]
}

interface Entry {
  live: LiveSessionControl
  recorder: Recorder
}

export type RunningContext = Omit<Broker, 'running' | 'questions'>

/** `end` is called when a session must end by itself (recorder failed, gateway withdrew). */
export function createRunning(
  context: RunningContext,
  end: (id: string, reason: SessionEndReason) => void,
): Running {
  const entries = new Map<string, Entry>()
  const starting = new Set<string>()
  // A session that never came to run is not ended by what failed: the person may try again.
  const endRunning = (id: string, reason: SessionEndReason) => {
    if (entries.has(id)) end(id, reason)
  }
  const entryOf = (id: string): Entry => {
    const entry = entries.get(id)
    if (!entry) throw new Fault('session.not-allowed', { action: 'view', state: 'ended' })
    return entry
  }
  return {
    async start(row) {
      if (entries.has(row.id) || starting.has(row.id)) {
        throw new Fault('session.not-allowed', { action: 'open', state: 'active' })
      }
      starting.add(row.id)
      try {
        entries.set(row.id, await startEntry(context, row, endRunning))
      } finally {
        starting.delete(row.id)
      }
    },
    view: (id, publicBase) => context.viewers.open(entryOf(id).live, publicBase),
    async setPaused(id, paused) {
      const { live, recorder } = entryOf(id)
      live.setPaused(paused)
      if (paused) live.cut()
      await recorder.append(note(context, paused ? 'paused' : 'resumed', ''))
    },
    async finish(row, { reason, note: words }) {
      const entry = entries.get(row.id)
      entries.delete(row.id)
      context.viewers.end(row.id)
      entry?.live.cut(new Fault('session.not-allowed', { action: 'use', state: 'ended' }))
      await tellGateway(context, row)
      if (!entry) return await hashOfOld(context, row)
      const text = words ? `${reason}: ${words}` : reason
      // A recorder that failed cannot write its own end; the reason stands in the database.
      await entry.recorder.append(note(context, 'ended', text)).catch(() => {})
      return await entry.recorder.finish()
    },
    activeAt: (id) => entries.get(id)?.live.activeAt(),
    ids: () => [...entries.keys()],
  }
}

/** Where a session's recording lies. */
export function recordingFile(recordingsDir: string, id: string): string {
  return join(recordingsDir, `${id}.ndjson`)
}

async function startEntry(
  context: RunningContext,
  row: SessionRow,
  end: (id: string, reason: SessionEndReason) => void,
): Promise<Entry> {
  const file = recordingFile(context.recordingsDir, row.id)
  // Left by a start that failed: no byte of the target is in it, and the audit log knows of the try.
  await rm(file, { force: true })
  const recorder = await openRecorder({
    file,
    header: await header(context, row),
    onFailure: () => end(row.id, 'recorder-failed'),
    openFile: context.openFile,
  })
  const live = createLiveSession({
    id: row.id,
    target: row.target,
    mayControl: (JSON.parse(row.rights) as string[]).includes('control'),
    record: recorder.append,
    now: context.now,
    openStream: () =>
      openStream(context, row).catch((error) => {
        const reason = endingOf(error)
        if (reason) end(row.id, reason)
        throw error
      }),
  })
  try {
    const proof = await live.openStream()
    proof.destroy()
    return { live, recorder }
  } catch (error) {
    await recorder.finish()
    throw error
  }
}

async function openStream(context: RunningContext, row: SessionRow): Promise<Duplex> {
  const { site, gateway, target } = row
  const grant = await signGrant(context, row)
  return await context.hub.openStream({ site, gateway, target, grant })
}

/** A grant for one stream, or for one question to the site. */
export async function signGrant(context: RunningContext, row: SessionRow): Promise<string> {
  return await context.signer.sign(await claimsFor(context, row))
}

/** Never more than the row in the database says. */
async function claimsFor({ rows, now }: RunningContext, row: SessionRow): Promise<GrantClaims> {
  const issuedAt = Math.floor(now() / 1000)
  const approver = row.approver
    ? { id: row.approver, name: await rows.personName(row.approver) }
    : undefined
  return {
    jti: `gnt_${randomBytes(16).toString('hex')}`,
    iat: issuedAt,
    exp: issuedAt + GRANT_OPEN_WINDOW_MS / 1000,
    session: row.id,
    person: { id: row.person, name: await rows.personName(row.person) },
    site: row.site,
    gateway: row.gateway,
    target: row.target,
    rights: JSON.parse(row.rights) as SessionRight[],
    from: row.decided_at ?? 0,
    until: row.until_at ?? 0,
    ...(approver && { approver }),
    reason: row.reason,
  }
}

async function header({ rows, now }: RunningContext, row: SessionRow) {
  const { id, site, gateway, target, reason, rights, case_id: caseId } = row
  const [person, approver] = [
    await rows.personName(row.person),
    row.approver ? await rows.personName(row.approver) : 'policy of the site',
  ]
  return {
    kind: 'session',
    at: now(),
    version: 1,
    text: `${person} at ${site}/${gateway}/${target}, approved by ${approver}: ${reason}`,
    session: {
      id,
      caseId,
      site,
      gateway,
      target,
      reason,
      rights: JSON.parse(rights),
      person,
      approver,
    },
  }
}

function note({ now }: RunningContext, kind: string, text: string) {
  return { kind, at: now(), text }
}

/** Best effort: a gateway that is away lost its streams already, and every grant of the session is dead in half a minute. */
async function tellGateway({ hub, log }: RunningContext, row: SessionRow): Promise<void> {
  // Of a session that never ran the gateway knows only when its own people were asked.
  const isKnownThere = row.started_at !== null || (row.decided_at !== null && !row.approver)
  if (!isKnownThere) return
  try {
    await hub.endSession(row.site, row.gateway, row.id)
  } catch (error) {
    if (!isFault(error, 'tunnel.down') && !isFault(error, 'tunnel.refused')) throw error
    log.info({ session: row.id, gateway: row.gateway }, 'the gateway could not be told of the end')
  }
}

/** After a crash the file has no end line, but what is in it still gets its hash. */
async function hashOfOld(context: RunningContext, row: SessionRow): Promise<string | undefined> {
  if (row.started_at === null) return undefined
  const recording = await readRecording(recordingFile(context.recordingsDir, row.id))
  return recording.sha256 ?? undefined
}
