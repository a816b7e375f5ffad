/** Who we are to the server: the user, or nobody, and the certificate of this gateway with its expiry. */
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFile, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { type UserIdentityInfo, UserTokenType } from 'node-opcua-client'
import { Fault } from '../../../protocol/kit/fault.ts'
import type { SessionRequest } from './conversation.ts'
import { tellOnce } from './notice.ts'

const DAY_MS = 86_400_000
/** Time to let the servers trust the next certificate in a planned stop. */
const WARN_BEFORE_MS = 90 * DAY_MS
/** A server may refuse it from the first second after its end, and clocks differ. */
const RENEW_BEFORE_MS = 7 * DAY_MS
/** Where the library keeps the certificate it makes. */
const OWN_CERTIFICATE = join('own', 'certs', 'client_certificate.pem')

/** Throws Fault 'driver.refused' when the files of a user certificate cannot be read. */
export async function readIdentity({
  options: { user, userCertificate },
  context,
}: SessionRequest): Promise<UserIdentityInfo> {
  if (userCertificate) {
    const read = (file: string) => readFile(resolve(context.baseDir ?? '.', file))
    try {
      const certificate = new X509Certificate(await read(userCertificate.file))
      const privateKey = createPrivateKey(await read(userCertificate.keyFile))
        .export({ type: 'pkcs8', format: 'pem' })
        .toString()
      return { type: UserTokenType.Certificate, certificateData: certificate.raw, privateKey }
    } catch (cause) {
      const reason = 'the user certificate or its key cannot be read'
      throw new Fault('driver.refused', { endpoint: userCertificate.file, reason }, { cause })
    }
  }
  return user
    ? { type: UserTokenType.UserName, userName: user.name, password: user.password }
    : { type: UserTokenType.Anonymous }
}

/**
 * Removes our own certificate shortly before it ends, so that the client makes the next one with the same key.
 * A server knows certificates, not keys: it must be told to trust the new one.
 */
export async function renewOwnCertificate(folder: string, request: SessionRequest): Promise<void> {
  const file = join(folder, OWN_CERTIFICATE)
  const text = await readFile(file).catch(() => undefined)
  if (!text) return
  const endsAt = readEnd(text)
  const leftMs = endsAt - Date.now()
  if (leftMs > WARN_BEFORE_MS) return
  const day = new Date(endsAt).toISOString().slice(0, 10)
  if (leftMs > RENEW_BEFORE_MS) {
    tellOnce(request, `the certificate ${file} ends on ${day}: plan to trust a new one`)
    return
  }
  await rm(file)
  tellOnce(
    request,
    `the certificate ${file} ends on ${day}: it is made anew and must be trusted at the server`,
  )
}

/** A file that is no certificate has ended long ago. */
function readEnd(text: Buffer): number {
  try {
    return new X509Certificate(text).validToDate.getTime()
  } catch {
    return 0
  }
}
