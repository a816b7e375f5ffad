/** The server's fixed sentences in the person's language; whatever is not one of them is shown as it was written. Pure. */
import { sessionEndReasons } from '../../../protocol/states.ts'
import type { MessageKey } from './en.ts'
import { sentences } from './sentences.ts'

export interface Speech {
  t: (key: MessageKey, values?: Record<string, string | number>) => string
  /** An instant in the site's time. */
  sayInstant: (at: number) => string
}
type Translate = Speech['t']

/** Titles of the alarm rules (cloud/alarms/alarm-rule.ts, cloud/watched-models.ts, cloud/unjudged-rule.ts, cloud/open-wear.ts). */
const titles = {
  'Abnormal behaviour': 'said.abnormal',
  'On trial, abnormal behaviour': 'said.trial-abnormal',
  'Off its own history': 'said.off-history',
  'Hard rule broken': 'said.rule-broken',
  'On trial, hard rule broken': 'said.trial-rule-broken',
} as const satisfies Record<string, MessageKey>
const unjudged = 'Cannot be judged'
const isTitle = (text: string): text is keyof typeof titles => Object.hasOwn(titles, text)

const like = /^Differs from its like: (?<group>[^:]+)$/
const part = /^(?<tag>.+) (?<what>high|low|stuck|out-of-range|rate|stale)$/
const partKeys = {
  high: 'said.tag.high',
  low: 'said.tag.low',
  stuck: 'said.tag.stuck',
  'out-of-range': 'said.tag.out-of-range',
  rate: 'said.tag.rate',
  stale: 'said.tag.stale',
} as const satisfies Record<string, MessageKey>
const isPart = (text: string): text is keyof typeof partKeys => Object.hasOwn(partKeys, text)

/** `Flow bad in 50 % of the rows` */
const inRows =
  /^(?<tag>.+) (?<what>bad|stale|silent|not-a-number) in (?<percent>\d+) % of the rows$/
const rowKeys = {
  bad: 'said.rows.bad',
  stale: 'said.rows.stale',
  silent: 'said.rows.silent',
  'not-a-number': 'said.rows.not-a-number',
} as const satisfies Record<string, MessageKey>
const isRowKey = (text: string): text is keyof typeof rowKeys => Object.hasOwn(rowKeys, text)

/** Tags with their shares, or the reason where no tag is to blame. */
function sayUnjudged(text: string, t: Translate): string {
  const parts = text.split(', ').map((each) => {
    const { tag, what, percent } = inRows.exec(each)?.groups ?? {}
    return tag && percent && what && isRowKey(what) ? t(rowKeys[what], { tag, percent }) : undefined
  })
  if (parts.includes(undefined)) return sayText(text, { t, sayInstant: String })
  return parts.join(t('said.between'))
}

function sayRule(title: string, t: Translate): string | undefined {
  if (isTitle(title)) return t(titles[title])
  const group = like.exec(title)?.groups?.group
  return group === undefined ? undefined : t('said.unlike', { group })
}

/** `CE low, TS1 stuck` */
function sayParts(text: string, t: Translate): string {
  const parts = text.split(', ').map((each) => {
    const { tag, what } = part.exec(each)?.groups ?? {}
    return tag && what && isPart(what) ? t(partKeys[what], { tag }) : each
  })
  return parts.join(t('said.between'))
}

/** The message of an alarm, and the title of a case that an alarm opened: `Abnormal behaviour: CE low`; others as their authors wrote them. */
export function sayMessage(message: string, t: Translate): string {
  const whole = sayRule(message, t)
  if (whole !== undefined) return whole
  if (message === unjudged) return t('said.unjudged')
  if (message.startsWith(`${unjudged}: `))
    return t('said.unjudged') + t('said.colon') + sayUnjudged(message.slice(unjudged.length + 2), t)
  const cut = message.lastIndexOf(': ')
  const title = cut < 0 ? undefined : sayRule(message.slice(0, cut), t)
  if (title === undefined) return message
  return title + t('said.colon') + sayParts(message.slice(cut + 2), t)
}

/** A sentence that begins with the operating mode goes on with another one. */
const mode = /^(?:mode (?<mode>[^":][^:]{0,255})|the operating mode is not known): (?<rest>.+)$/s

/** Whatever a version on trial says of a failure is told as such. */
const onTrial = /^(?<said>.+, by version \d+ of the known failures), on trial$/s

/** A sentence of the server in the person's language. */
export function sayText(text: string, speech: Speech): string {
  const { t, sayInstant } = speech
  const { mode: named, rest } = mode.exec(text)?.groups ?? {}
  if (rest !== undefined) {
    const begin = named === undefined ? t('said.mode-unknown') : t('said.mode', { mode: named })
    return begin + t('said.colon') + sayText(rest, speech)
  }
  const { said } = onTrial.exec(text)?.groups ?? {}
  if (said !== undefined) return t('said.on-trial', { said: sayText(said, speech) })
  for (const [pattern, key] of sentences) {
    const found = pattern.exec(text)
    if (!found) continue
    const values: Record<string, string> = { ...found.groups }
    if (values.reason) values.reason = sayText(values.reason, { t, sayInstant })
    if (values.at) values.at = sayInstant(Date.parse(values.at))
    const end = sessionEndReasons.find((reason) => reason === values.end)
    if (end) values.end = t(`end.${end}`)
    return t(key, values)
  }
  const because = /^(?<kind>alarm|case): (?<message>.*)$/s.exec(text)?.groups
  if (because?.kind === 'alarm' || because?.kind === 'case')
    return t(`event.${because.kind}`) + t('said.colon') + sayMessage(because.message ?? '', t)
  return sayMessage(text, t)
}

const kinds = [
  'alarm',
  'hook',
  'person',
  'session',
  'telemetry',
  'diagnose',
  'fix',
  'verify',
  'closed',
  'dismissed',
  'finding',
] as const

/** What kind of event it is, in words; an unknown kind as it is. */
export function sayKind(kind: string, t: Translate): string {
  const known = kinds.find((each) => each === kind)
  return known ? t(`event.${known}`) : kind
}
