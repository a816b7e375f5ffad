/** The tunnel's heartbeat: pings an HTTP/2 session and destroys it when an answer stays out. */
import type { Http2Session } from 'node:http2'
import { wait } from '../kit/backoff.ts'

export interface HeartbeatOptions {
  everyMs: number
  timeoutMs: number
}

/** Pings until the signal aborts or the session closes; a missed answer destroys the session. */
export async function runHeartbeat(
  session: Http2Session,
  { everyMs, timeoutMs }: HeartbeatOptions,
  signal: AbortSignal,
): Promise<void> {
  while (await wait(everyMs, signal)) {
    if (session.destroyed) return
    const answered = await pingOnce(session, timeoutMs)
    if (answered || signal.aborted) continue
    session.destroy()
    return
  }
}

async function pingOnce(session: Http2Session, timeoutMs: number): Promise<boolean> {
  return await new Promise<boolean>((resolve) => {
    const late = setTimeout(() => resolve(false), timeoutMs)
    const settle = (answered: boolean) => {
      clearTimeout(late)
      resolve(answered)
    }
    try {
      // False: too many pings are unanswered already.
      if (!session.ping((error) => settle(!error))) settle(false)
    } catch {
      settle(false)
    }
  })
}
