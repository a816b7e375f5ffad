/** The session broker: requests, decisions, opening and ending of remote sessions, each step audited and recorded. */
import { mkdir } from 'node:fs/promises'
import type { RecordingView, SessionView } from '../../protocol/api.ts'
import type { SessionEndReason } from '../../protocol/states.ts'
import type { SessionEndedNews } from '../../protocol/tunnel/news.ts'
import { decideSession, requestSession, type Wish } from './asking.ts'
import { type Actor, type Broker, type Doer, type SessionsOptions, viewSession } from './broker.ts'
import { endAtSite, endByTime, endOfGateway, endQuietly, endSession } from './ending.ts'
import { createHar } from './har.ts'
import { openSession, pauseSession } from './opening.ts'
import { eventsOf, exchangesOf, readRecording } from './recording.ts'
import { createRunning, recordingFile } from './running.ts'
import { createSessionRows } from './session-rows.ts'
import { createSiteQuestions } from './site-questions.ts'
import { createViewers, type ViewerAccess } from './viewers.ts'

export interface Sessions extends AsyncDisposable {
  request(actor: Actor, wish: Wish): Promise<SessionView>
  approve(actor: Actor, id: string, note?: string): Promise<SessionView>
  refuse(actor: Actor, id: string, note?: string): Promise<SessionView>
  /** Opens it, or a further view of it while it is active; only for the person who asked. */
  open(
    actor: Actor,
    id: string,
    viewer: { publicBase: string },
  ): Promise<{ session: SessionView; url: string }>
  pause(actor: Actor, id: string): Promise<SessionView>
  resume(actor: Actor, id: string): Promise<SessionView>
  /** `system`: the program itself. */
  end(actor: Doer, id: string, reason: SessionEndReason, note?: string): Promise<SessionView>
  get(id: string): Promise<SessionView | undefined>
  list(query: { state: 'open' | 'all'; sites: readonly string[] }): Promise<SessionView[]>
  /** Throws Fault 'object.missing' when there is no such session. */
  recording(id: string): Promise<RecordingView>
  /** HAR 1.2. */
  har(id: string): Promise<object>
  /** Its tunnel is gone: ends what runs through it. */
  gatewayLost(site: string, gateway: string): Promise<void>
  /** A gateway says that its site has ended one. */
  endedAtSite(of: { site: string; gateway: string }, news: SessionEndedNews): Promise<void>
  /** Ends what time has ended and asks sites that came back; call it every second or so. */
  tick(now: number): Promise<void>
  /** For the web HMI's listener. */
  readonly viewers: ViewerAccess
}

/** Opens the broker; sessions that were running when the cloud stopped end with reason `fault`. */
export async function openSessions(options: SessionsOptions): Promise<Sessions> {
  await mkdir(options.recordingsDir, { recursive: true, mode: 0o700 })
  const now = options.now ?? Date.now
  const parts = {
    ...options,
    now,
    rows: createSessionRows(options.store),
    viewers: createViewers(now),
  }
  const running = createRunning(parts, (id, reason) => void endQuietly(broker, { id, reason }))
  const questions = createSiteQuestions(() => broker)
  const broker: Broker = { ...parts, running, questions }
  for (const row of await broker.rows.openOnes()) {
    if (row.started_at === null) continue
    await endQuietly(broker, { id: row.id, reason: 'fault', note: 'the cloud restarted' })
  }
  return createSessions(broker)
}

function createSessions(broker: Broker): Sessions {
  return {
    request: (actor, wish) => requestSession(broker, actor, wish),
    approve: (actor, id, note) => decideSession(broker, actor, { id, action: 'approve', note }),
    refuse: (actor, id, note) => decideSession(broker, actor, { id, action: 'refuse', note }),
    open: (actor, id, { publicBase }) => openSession(broker, actor, { id, publicBase }),
    pause: (actor, id) => pauseSession(broker, actor, { id, action: 'pause' }),
    resume: (actor, id) => pauseSession(broker, actor, { id, action: 'resume' }),
    end: (actor, id, reason, note) => endSession(broker, actor, { id, reason, note }),
    get: (id) => broker.rows.view(id),
    list: (query) => broker.rows.list(query),
    recording: (id) => viewRecording(broker, id),
    async har(id) {
      const session = await viewSession(broker, id)
      return createHar(await readRecording(recordingFile(broker.recordingsDir, id)), session)
    },
    gatewayLost: (site, gateway) => endOfGateway(broker, site, gateway),
    endedAtSite: (of, news) => endAtSite(broker, of, news),
    async tick(at) {
      await endByTime(broker, at)
      await broker.questions.askOpen()
    },
    viewers: broker.viewers,
    async [Symbol.asyncDispose]() {
      const note = 'the cloud stops'
      await broker.questions[Symbol.asyncDispose]()
      for (const id of broker.running.ids()) await endQuietly(broker, { id, reason: 'fault', note })
    },
  }
}

async function viewRecording(broker: Broker, id: string): Promise<RecordingView> {
  const session = await viewSession(broker, id)
  const row = await broker.rows.find(id)
  const recording = await readRecording(recordingFile(broker.recordingsDir, id))
  const sha256 = row?.recording_sha256 ?? null
  // The hash in the database and the audit log convicts a file that was replaced as a whole.
  const isSame = sha256 === null ? session.state !== 'ended' : sha256 === recording.sha256
  return {
    session,
    sha256,
    intact: recording.intact && isSame,
    exchanges: exchangesOf(recording.entries),
    events: eventsOf(recording.entries),
  }
}
