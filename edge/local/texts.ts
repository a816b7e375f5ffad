/** The words of the local page in English; another language has the same keys. */
import { japanese } from './texts-ja.ts'

const english = {
  gateway: 'Gateway',
  'nav.now': 'Now',
  'nav.tags': 'Live tags',
  'nav.access': 'Remote access',
  'nav.certificates': 'Certificates',
  'nav.events': 'Events',
  'sign.in': 'Sign in',
  'sign.out': 'Sign out',
  'sign.as': 'Signed in as {name}',
  'sign.why':
    'Whoever allows, trusts or ends something here says who they are; it is put on record.',
  'sign.name': 'Your name',
  'sign.password': 'Password of this gateway',
  'sign.none':
    'No password is set, so nothing can be allowed here. On the gateway, run: mimamori edge password',
  'sign.open':
    'No password is set. Only this machine can reach the page, so anybody at it may act.',
  'said.wrong': 'The password is wrong.',
  'said.throttled': 'Too many wrong passwords. Wait {seconds} s.',
  'said.nameless': 'Please give your name.',
  'said.stale': 'This page was too old. Please try again.',
  'said.done': 'Done, and put on record.',
  'said.late': 'That is no longer waiting: somebody was faster, or the time was over.',
  'said.unkept': 'It could not be put on record, so it was not done. Is the disk full?',
  'lost.line': 'The gateway does not answer. What you see is old.',
  'line.cloud': 'Cloud',
  'line.tunnel': 'Remote access line',
  'line.config': 'Devices configured by',
  'config.site': 'the file here',
  'config.cloud': 'the cloud, version {version}',
  'config.trial':
    'On trial: version {version} from the cloud. It goes back by itself at {time} unless it is confirmed.',
  'line.certificate': 'Its certificate',
  'own.until': 'valid until {time}',
  'own.over': 'ended at {time}: the cloud takes nothing from this gateway',
  'own.renews': 'it is renewed by itself',
  'own.failed': 'It could not be renewed, {count} times in a row:',
  'own.help':
    'The gateway goes on trying. If that is no use, enrol it anew: run this where the cloud runs, carry the folder here in the place of the old one, restart.',
  'line.clock': 'Clock',
  'clock.unset': 'never set: nobody knows the time yet, good readings wait in memory',
  'clock.alone': 'as this machine says; the cloud has not told the time yet',
  'clock.ahead': '{seconds} s ahead of the cloud',
  'clock.behind': '{seconds} s behind the cloud',
  'clock.corrected': "readings carry the cloud's time; set this machine's clock",
  'state.connected': 'connected',
  'state.lost': 'not connected',
  'state.storing': 'it stores what is sent',
  'state.keeping': 'readings are kept here until it stores them',
  'state.contested':
    'another gateway seems to use this identity: put out {count} times in ten minutes',
  since: 'since {time}',
  'outbox.title': 'Kept on disk for the cloud',
  'outbox.waiting': 'Waiting',
  'outbox.readings': '{count} readings, {size}',
  'outbox.memory': '{count} in memory',
  'outbox.refusal': 'The disk takes nothing',
  'outbox.oldest': 'Oldest',
  'outbox.empty': 'nothing waits',
  'outbox.drained': 'Sent since start',
  'outbox.live': '{live} at once, {late} later',
  'outbox.dropped': 'Given up since start',
  'outbox.gaps': 'Gaps told',
  'gap.lost': '{count} lost',
  'gap.gateway-down': 'the gateway did not run',
  'gap.outbox-full': 'the store on disk was full',
  'gap.disk-full': 'the disk was full',
  'gap.corrupt': 'the store on disk was damaged',
  'devices.title': 'Devices',
  'devices.name': 'Device',
  'devices.state': 'State',
  'devices.tags': 'Good tags',
  'tag.name': 'Tag',
  'tag.value': 'Value',
  'tag.unit': 'Unit',
  'tag.quality': 'Quality',
  'tag.age': 'Age',
  'quality.good': 'good',
  'quality.stale': 'stale',
  'quality.bad': 'bad',
  'filter.device': 'Device',
  'filter.all': 'all devices',
  'filter.find': 'Name contains',
  'filter.show': 'Show',
  'filter.more': '{shown} of {count} tags are shown: choose a device or a name.',
  'filter.none': 'No tag fits.',
  'access.cut': 'Cut all remote access now',
  'access.cut-reason': 'Why (may stay empty)',
  'access.is-cut': 'Remote access is cut: {reason}',
  'access.restore': 'Allow remote access again',
  'access.waiting': 'Waiting for your answer',
  'access.none-waiting': 'Nobody asks for access.',
  'access.asks': '{person} asks for access to {target}',
  'access.rights': 'May',
  'access.minutes': 'For {minutes} minutes',
  'access.reason': 'Why',
  'access.left': 'Without an answer it becomes a no in {time}.',
  'access.yes': 'Allow',
  'access.no': 'Refuse',
  'access.running': 'Here now',
  'access.none-running': 'Nobody is here.',
  'access.until': 'until {time}',
  'access.end': 'End this session',
  'access.targets': 'What this site allows',
  'access.no-targets': 'Nothing: remote access is off.',
  'access.decisions': 'Latest decisions',
  'right.view': 'look',
  'right.control': 'operate',
  'right.files': 'exchange files',
  'consent.always': 'always',
  'consent.schedule': 'at set hours',
  'consent.request': 'a second person in the cloud must agree',
  'consent.local': 'somebody here must agree',
  'consent.key-switch': 'while the key switch is on',
  'consent.passkey': 'with a passkey (not yet)',
  'decision.yes': 'allowed',
  'decision.no': 'refused',
  'cert.waiting': 'Not trusted yet',
  'cert.accepted': 'Trusted here',
  'cert.refused': 'Refused here',
  'cert.none': 'None.',
  'cert.help':
    'A machine shows a certificate nobody here has trusted. Compare the fingerprint with the one shown at the machine itself, letter by letter. A trusted one is used at the next try, within a minute.',
  'cert.device': 'Device',
  'cert.subject': 'Subject',
  'cert.issuer': 'Issued by',
  'cert.valid': 'Valid',
  'cert.sha256': 'SHA-256 fingerprint',
  'cert.thumbprint': 'SHA-1 thumbprint',
  'cert.seen': 'First seen',
  'cert.decided': 'Decided',
  'cert.trust': 'Trust',
  'cert.reject': 'Refuse',
  'cert.over': 'expired',
  'events.none': 'Nothing has happened since the start.',
  'event.device-online': '{what} answers',
  'event.device-offline': '{what} does not answer: {why}',
  'event.cloud-up': 'The cloud is connected',
  'event.cloud-down': 'The connection to the cloud is lost',
  'event.tunnel-up': 'The line for remote access is up',
  'event.tunnel-down': 'The line for remote access is down: {why}',
  'event.act': '{who}: {what}',
  'event.started': 'The gateway started',
  'act.cut': 'cut remote access',
  'act.restore': 'allowed remote access again',
  'act.allow-session': 'allowed a session',
  'act.refuse-session': 'refused a session',
  'act.end-session': 'ended a session',
  'act.trust-certificate': 'trusted a certificate',
  'act.refuse-certificate': 'refused a certificate',
  'age.s': '{n} s',
  'age.min': '{n} min',
  'age.h': '{n} h',
  'age.d': '{n} days',
  never: 'never',
}

export type TextKey = keyof typeof english
export type Texts = Readonly<Record<TextKey, string>>
export const languages = ['en', 'ja'] as const
export type Language = (typeof languages)[number]

const all: Record<Language, Texts> = { en: english, ja: japanese }

export type Translate = (key: TextKey, values?: Readonly<Record<string, string | number>>) => string

/** Fills `{name}` with the values. */
export function createTranslate(language: Language): Translate {
  return (key, values = {}) =>
    all[language][key].replaceAll(/\{(\w+)\}/g, (_, name: string) => String(values[name] ?? ''))
}

/** True for a key there is a text for. */
export function isTextKey(key: string): key is TextKey {
  return Object.hasOwn(english, key)
}

/** What the person chose, else the first language of theirs that we have. */
export function chooseLanguage(chosen: string | undefined, accepted: unknown): Language {
  const wishes = [chosen ?? '', ...String(accepted ?? '').split(',')]
  const known = wishes.map((wish) =>
    languages.find((it) => wish.trim().toLowerCase().startsWith(it)),
  )
  return known.find((it) => it !== undefined) ?? 'en'
}
