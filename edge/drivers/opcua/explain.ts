/** Turns what the library throws while it connects into a fault that says what to do. */
import { type StatusCode, StatusCodes } from 'node-opcua-client'
import { Fault } from '../../../protocol/kit/fault.ts'
import { findRejected } from './pki.ts'

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

/** The fault of an attempt to connect: untrusted, refused by the server with its status, or simply no line. */
export async function explain(
  error: unknown,
  { endpoint, folder, result }: { endpoint: string; folder: string; result?: StatusCode },
): Promise<unknown> {
  const rejected = await findRejected(folder)
  if (rejected) {
    return new Fault('opcua.untrusted', { endpoint, ...rejected }, { cause: error })
  }
  if (!(error instanceof Error) || error instanceof Fault || error.name === 'AbortError')
    return error
  return result && refusals.has(result.value)
    ? new Fault('driver.refused', { endpoint, reason: result.name }, { cause: error })
    : new Fault('driver.disconnected', { endpoint }, { cause: error })
}
