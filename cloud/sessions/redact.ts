/** Takes secrets out of what is recorded: credentials in headers, password-like fields in bodies and addresses. */

export const REDACTED = '[redacted]'
/** Names of fields that hold secrets, in any case and language of field names seen on HMIs. */
const SECRET_NAME =
  /pass(word|wd|phrase|code)?$|^pwd|secret|token|^pin$|pincode|otp|credential|api[-_]?key|authorization|暗証|パスワード/i
const SECRET_HEADERS = new Set([
  'authorization',
  'cookie',
  'proxy-authorization',
  'set-cookie',
  'x-api-key',
  'x-auth-token',
])
const addressHeaders = new Set(['location', 'referer'])
/** A secret field in JSON that was cut off at the cap and cannot be parsed. */
const JSON_PAIR = /"([^"\\]{1,100})"\s*:\s*("(?:[^"\\]|\\.)*"?|[^,}\]\s]+)/g

/** Headers with the values of credentials replaced. */
export function redactHeaders(
  headers: Readonly<Record<string, string | string[] | number | undefined>>,
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) => {
      if (value === undefined) return []
      const isSecret = SECRET_HEADERS.has(name.toLowerCase()) || SECRET_NAME.test(name)
      const text = [value].flat().join(', ')
      // Addresses in headers (Referer, Location) have queries too.
      return [[name, isSecret ? REDACTED : addressHeaders.has(name) ? redactPath(text) : text]]
    }),
  )
}

/** The path with the values of secret query parameters replaced. */
export function redactPath(path: string): string {
  const start = path.indexOf('?')
  return start < 0 ? path : path.slice(0, start + 1) + redactForm(path.slice(start + 1))
}

/** A text body with its secret fields replaced; `type` is the Content-Type. */
export function redactBody(text: string, type: string): string {
  if (/\bx-www-form-urlencoded\b/i.test(type)) return redactForm(text)
  if (!/json/i.test(type) && !/^\s*[{[]/.test(text)) return text
  try {
    return JSON.stringify(
      JSON.parse(text, (key, value) => (isSecret(key, value) ? REDACTED : value)),
    )
  } catch {
    return text.replaceAll(JSON_PAIR, (pair, name: string) =>
      SECRET_NAME.test(name) ? `"${name}":"${REDACTED}"` : pair,
    )
  }
}

/** True for bodies worth keeping as text. Multipart is not: files and fields mixed, secrets not to be found. */
export function isTextType(type: string): boolean {
  return /^text\/|json|xml|javascript|x-www-form-urlencoded/i.test(type)
}

function isSecret(key: string, value: unknown): boolean {
  return SECRET_NAME.test(key) && value !== null && typeof value !== 'boolean'
}

function redactForm(text: string): string {
  return text
    .split('&')
    .map((pair) => {
      const [name = ''] = pair.split('=', 1)
      return SECRET_NAME.test(decode(name)) && pair.includes('=') ? `${name}=${REDACTED}` : pair
    })
    .join('&')
}

function decode(name: string): string {
  try {
    return decodeURIComponent(name)
  } catch {
    return name
  }
}
