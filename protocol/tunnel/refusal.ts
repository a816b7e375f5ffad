/** Why a gateway says no to a stream: one closed table of codes, and the header that carries them. */

interface RefusalEntry {
  /** HTTP status of the answer: 403 the site does not allow it, 502 the target cannot be reached. */
  status: 403 | 502 | 503
  /** One sentence for a person. */
  say: string
}

export const refusals = {
  'approver-missing': {
    status: 403,
    say: 'The site demands an approval by a second person and the grant carries none.',
  },
  'approver-self': {
    status: 403,
    say: 'The approver is the requester: the site demands a second person.',
  },
  busy: { status: 503, say: 'Too many streams are open at this gateway or in this session.' },
  'consent-denied': { status: 403, say: 'The people at the site said no.' },
  'consent-missing': {
    status: 403,
    say: 'Nobody at the site has said yes to this session.',
  },
  'consent-timeout': { status: 403, say: 'Nobody at the site answered in time.' },
  'consent-unsupported': {
    status: 403,
    say: 'Consent by passkey is not supported yet, so this target stays closed.',
  },
  'gateway-fault': {
    status: 503,
    say: 'The gateway cannot write down that the grant is used, so it opens nothing.',
  },
  'grant-expired': { status: 403, say: 'The grant has expired.' },
  'grant-forged': {
    status: 403,
    say: "The grant does not carry the signature of this site's cloud.",
  },
  'grant-malformed': { status: 403, say: 'The grant is missing or malformed.' },
  'grant-not-yet': { status: 403, say: "The grant's time has not come yet: compare the clocks." },
  'grant-other-gateway': { status: 403, say: 'The grant was made for another gateway.' },
  'grant-other-target': { status: 403, say: 'The grant was made for another target.' },
  'grant-replayed': { status: 403, say: 'The grant was already used once.' },
  killed: { status: 403, say: 'Remote access is switched off at the site.' },
  'key-switch-off': { status: 403, say: 'The key switch at the machine is not on.' },
  'outside-schedule': { status: 403, say: 'The site allows this target at other hours only.' },
  'rights-widened': {
    status: 403,
    say: 'The grant gives more than the site allows at this target.',
  },
  'session-ended': { status: 403, say: 'This session has ended.' },
  'target-forbidden': {
    status: 403,
    say: "The target's address is one that no session may reach.",
  },
  'target-unknown': { status: 403, say: "The target is not in the site's policy." },
  'target-unreachable': { status: 502, say: 'The target does not answer.' },
  'window-too-long': {
    status: 403,
    say: 'The session window is longer than the site allows for this target.',
  },
} as const satisfies Record<string, RefusalEntry>

export type RefusalCode = keyof typeof refusals

/** True when this text is a code of the table. */
export function isRefusalCode(text: string): text is RefusalCode {
  return Object.hasOwn(refusals, text)
}

/** `code: sentence`, e.g. `grant-expired: The grant has expired.`; ASCII, so that it is a legal header. */
export function formatReason(code: RefusalCode): string {
  return `${code}: ${refusals[code].say}`
}

/** Reads the header; a code this version does not know, or garbage, is undefined. */
export function parseReason(header: unknown): { code: RefusalCode; say: string } | undefined {
  if (typeof header !== 'string') return undefined
  const code = header.split(':', 1)[0] ?? ''
  return isRefusalCode(code) ? { code, say: refusals[code].say } : undefined
}
