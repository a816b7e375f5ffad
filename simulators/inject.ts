/** Gives a running simulated machine a fault, over its web port on this computer. */
import { Fault } from '../protocol/kit/fault.ts'

export interface InjectOptions {
  /** The machine's web address, e.g. `http://127.0.0.1:8090/`. */
  url: string
  /** One of the machine's fault names; `none` mends it. */
  fault: string
}

/** A machine on this computer answers at once or not at all. */
const TIMEOUT_MS = 5000

/** Throws Fault 'request.invalid' with the machine's words, 'driver.disconnected' when it is not there. */
export async function injectFault({ url, fault }: InjectOptions): Promise<void> {
  let response: Response
  try {
    response = await fetch(new URL('simulator/fault', url), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ fault }),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    })
  } catch (error) {
    throw new Fault('driver.disconnected', { endpoint: url }, { cause: error })
  }
  if (response.ok) return
  const answer = (await response.json().catch(() => ({}))) as { problem?: string }
  throw new Fault('request.invalid', { problem: answer.problem ?? `status ${response.status}` })
}
