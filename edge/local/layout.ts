/** What every page has around it: language, navigation, who is signed in, what was just said. */
import { type Html, html } from './html.ts'
import type { Language, TextKey, Translate } from './texts.ts'

export const pages = ['now', 'tags', 'access', 'certificates', 'events'] as const
export type PageName = (typeof pages)[number]

/** Everything a page needs beside its own data. */
export interface Frame {
  page: PageName | 'sign-in'
  language: Language
  t: Translate
  /** Unix ms. */
  now: number
  timeZone: string
  site: string
  gateway: string
  /** Who is signed in by name; undefined: nobody. */
  person: string | undefined
  /** May act here at all, with or without a name. */
  mayAct: boolean
  /** For forms. */
  token: string
  said: { key: TextKey; values?: Record<string, number> } | undefined
  questions: number
  certificates: number
}

/** `/`, `/tags` … */
export function pathOf(page: PageName): string {
  return page === 'now' ? '/' : `/${page}`
}

/** The whole document. */
export function renderLayout(frame: Frame, content: Html): string {
  const { t, language, site, gateway, page } = frame
  const title = `${gateway} · ${site}`
  const waiting = frame.questions + frame.certificates
  return html`${doctype}<html lang="${language}"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1"><title>${waiting > 0 && `(${waiting}) `}${title}</title>
<link rel="stylesheet" href="/page.css"><script src="/page.js" defer></script>
${page === 'sign-in' ? undefined : reloadWithoutScript}</head><body>
<header><div class="top"><h1>${t('gateway')} ${title}</h1><div>${renderPerson(frame)} ${renderLanguages(frame)}</div></div>
<nav>${pages.map((name) => renderLink(frame, name))}</nav></header>
<main><p class="note bad" id="lost" hidden role="alert">${t('lost.line')}</p>
${frame.said && html`<p class="note${frame.said.key === 'said.done' ? '' : ' bad'}" role="status">${t(frame.said.key, frame.said.values)}</p>`}
${content}</main></body></html>`.text
}

const doctype = html`<!doctype html>`
const reloadWithoutScript = html`<noscript><meta http-equiv="refresh" content="10"></noscript>`

function renderLink({ t, page, questions, certificates }: Frame, name: PageName): Html {
  const count = { access: questions, certificates }[name as string] ?? 0
  const current = page === name ? html` aria-current="page"` : undefined
  const badge = html`<span class="count" data-live="count-${name}">${count > 0 ? count : ''}</span>`
  const text: TextKey = `nav.${name}`
  return html`<a href="${pathOf(name)}"${current}>${t(text)}${badge}</a>`
}

function renderPerson(frame: Frame): Html {
  const { t, person, page } = frame
  if (person === undefined) {
    const back = page === 'sign-in' ? 'now' : page
    return html`<a href="/sign-in?back=${back}">${t('sign.in')}</a>`
  }
  return html`<small>${t('sign.as', { name: person })}</small> <form class="inline" method="post" action="/sign-out">${renderToken(frame)}<button class="plain">${t('sign.out')}</button></form>`
}

function renderLanguages({ language, page }: Frame): Html {
  const other = language === 'en' ? ('ja' as const) : ('en' as const)
  const name = { en: 'English', ja: '日本語' }[other]
  return html`<a href="/language?to=${other}&back=${page}" lang="${other}">${name}</a>`
}

/** Proves that a form is one of ours. */
export function renderToken({ token }: Frame): Html {
  return html`<input type="hidden" name="token" value="${token}">`
}

/** Day and time of the site, in the reader's language. */
export function formatTime({ language, timeZone }: Frame, at: number | undefined): string {
  if (at === undefined || at === 0) return '–'
  const style = { dateStyle: 'medium', timeStyle: 'medium' } as const
  return new Intl.DateTimeFormat(language === 'en' ? 'en-GB' : 'ja-JP', {
    ...style,
    timeZone,
  }).format(at)
}

/** `12 s`, `3 min`, `5 h`, `2 days` */
export function formatAge({ t }: Frame, ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000))
  if (seconds < 120) return t('age.s', { n: seconds })
  if (seconds < 7_200) return t('age.min', { n: Math.round(seconds / 60) })
  if (seconds < 172_800) return t('age.h', { n: Math.round(seconds / 3_600) })
  return t('age.d', { n: Math.round(seconds / 86_400) })
}

/** A button that does something: a form with the token and what it is about. */
export function renderAct(
  frame: Frame,
  {
    action,
    fields,
    buttons,
  }: { action: string; fields: Record<string, string>; buttons: readonly Html[] },
): Html {
  const hidden = Object.entries(fields).map(
    ([name, value]) => html`<input type="hidden" name="${name}" value="${value}">`,
  )
  return html`<form class="acts" method="post" action="${action}">${renderToken(frame)}${hidden}${buttons}</form>`
}
