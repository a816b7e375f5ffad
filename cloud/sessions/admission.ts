/** Who may come in by the tunnel's door: a gateway in order, or one whose certificate has ended and who may only renew it. */
import type { X509Certificate } from 'node:crypto'
import type { TLSSocket } from 'node:tls'
import type { Log } from '../../protocol/kit/log.ts'

export interface GatewayName {
  site: string
  gateway: string
}

type Identified = GatewayName | undefined

export interface DoorOptions {
  /** Whose certificate this is (already verified against the CA); undefined refuses the connection. */
  identify(certificate: X509Certificate): Identified | Promise<Identified>
  /** The same for one that has ended, of which nothing was verified; without it such a one stays outside. */
  identifyExpired?(certificate: X509Certificate): Promise<Identified>
  log: Log
}

export interface Admitted extends GatewayName {
  certificate: X509Certificate
  /** It may renew its certificate, and do nothing else. */
  isExpired: boolean
}

/** OpenSSL names the last thing that was wrong, not the only one: what else is may be hidden behind this. */
const EXPIRED = 'CERT_HAS_EXPIRED'

/** Undefined: it stays outside. Who cannot be looked up is refused, and dials again. */
export async function admit(socket: TLSSocket, door: DoorOptions): Promise<Admitted | undefined> {
  const certificate = socket.getPeerX509Certificate()
  if (!certificate) return undefined
  try {
    const isExpired = !socket.authorized
    const name = await nameOf(socket, certificate, door)
    return name && { ...name, certificate, isExpired }
  } catch (error) {
    door.log.error({ error }, 'a gateway could not be identified')
    return undefined
  }
}

async function nameOf(
  { authorized, authorizationError }: TLSSocket,
  certificate: X509Certificate,
  { identify, identifyExpired }: DoorOptions,
): Promise<Identified> {
  if (authorized) return await identify(certificate)
  // Typed as an error, and a text in fact.
  return String(authorizationError) === EXPIRED ? await identifyExpired?.(certificate) : undefined
}
