/** Turns what the library throws while it connects into a fault that says what to do. */
import { type StatusCode, StatusCodes } from 'node-opcua-client'
import { Fault } from '../../../protocol/kit/fault.ts'
import { findRejected } from './pki.ts'
import { keepShown } from './trust-store.ts'

const refusals: ReadonlySet<number> = new Set(
  [
    StatusCodes.BadIdentityTokenRejected,
    StatusCodes.BadIdentityTokenInvalid,
    StatusCodes.BadUserAccessDenied,
    StatusCodes.BadSecurityChecksFailed,
    StatusCodes.BadSecurityPolicyRejected,
    StatusCodes.BadSecurityModeRejected,
    StatusCodes.BadCertificateUntrusted,
  ].map((code) => code.value),
)

export interface Attempt {
  endpoint: string
  folder: string
  /** The device's own folder: what is shown there is kept for a person to decide. */
  stateDir: string
  /** True when the line held and the library itself saw no way in. */
  isOurs: boolean
  /** What the server answered, if that was not good. */
  result?: StatusCode
}

/** The fault of an attempt to connect: untrusted, refused by the server with its status, or simply no line. */
export async function explain(
  error: unknown,
  { endpoint, folder, stateDir, isOurs, result }: Attempt,
): Promise<unknown> {
  const rejected = await findRejected(folder)
  if (rejected) {
    const { raw, file, thumbprint } = rejected
    // On a full disk it is kept at a later try; the fault names its file all the same.
    await keepShown(stateDir, raw).catch(() => {})
    return new Fault('opcua.untrusted', { endpoint, file, thumbprint }, { cause: error })
  }
  if (!(error instanceof Error) || error instanceof Fault || error.name === 'AbortError')
    return error
  const refuse = (reason: string) =>
    new Fault('driver.refused', { endpoint, reason }, { cause: error })
  if (result && refusals.has(result.value)) return refuse(result.name)
  if (!result && isOurs) return refuse('it does not offer this way to sign in')
  return new Fault('driver.disconnected', { endpoint }, { cause: error })
}
