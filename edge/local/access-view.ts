/** Remote access: the switch, who asks, who is here, what is allowed, what was decided. */
import { type Html, html } from './html.ts'
import { type Frame, formatAge, formatTime, renderAct, renderToken } from './layout.ts'
import { renderCutNote } from './now-view.ts'
import type { Plant, QuestionView, SessionView } from './plant.ts'
import { isTextKey } from './texts.ts'

const MINUTE_MS = 60_000

export function renderAccess(frame: Frame, plant: Plant): Html {
  const { t } = frame
  const status = plant.status()
  const [questions, sessions] = [plant.questions(), plant.sessions()]
  const isCut = status.remoteAccess.cut
  // A block with buttons is replaced only when what it is about changes.
  const sign = (list: { session: string }[]) =>
    [isCut, ...list.map(({ session }) => session)].join(' ')
  return html`${renderCutNote(frame, status)}
<section data-live="switch" data-sign="${String(isCut)}">${renderSwitch(frame, isCut)}</section>
<section data-live="questions" data-sign="${sign(questions)}"><h2>${t('access.waiting')}</h2>
${questions.length === 0 && html`<p class="soft">${t('access.none-waiting')}</p>`}${questions.map((it) => renderQuestion(frame, it))}</section>
<section data-live="sessions" data-sign="${sign(sessions)}"><h2>${t('access.running')}</h2>
${sessions.length === 0 && html`<p class="soft">${t('access.none-running')}</p>`}${sessions.map((it) => renderSession(frame, it))}</section>
<section><h2>${t('access.targets')}</h2>${renderTargets(frame, plant)}</section>
<section data-live="decisions"><h2>${t('access.decisions')}</h2><table>${status.decisions.map(
    ({ at, allowed, text }) =>
      html`<tr><td class="nowrap"><small>${formatTime(frame, at)}</small></td><td class="nowrap ${allowed ? 'good' : 'bad'}">${t(allowed ? 'decision.yes' : 'decision.no')}</td><td>${text}</td></tr>`,
  )}</table></section>`
}

function renderSwitch(frame: Frame, isCut: boolean): Html {
  const { t } = frame
  if (isCut) {
    const button = html`<button>${t('access.restore')}</button>`
    return renderAct(frame, { action: '/remote-access/restore', fields: {}, buttons: [button] })
  }
  return html`<form class="acts" method="post" action="/remote-access/cut">${renderToken(frame)}
<label>${t('access.cut-reason')}<input name="reason" maxlength="200"></label><button class="cut">${t('access.cut')}</button></form>`
}

function renderRights({ t }: Frame, rights: readonly string[]): string {
  return rights
    .map((right) => (isTextKey(`right.${right}`) ? t(`right.${right}` as 'right.view') : right))
    .join(', ')
}

function renderQuestion(frame: Frame, question: QuestionView): Html {
  const { t, now } = frame
  const { session, person, title, rights, reason, minutes, until } = question
  const left = t('access.left', { time: formatAge(frame, until - now) })
  return html`<div class="item"><h3>${t('access.asks', { person, target: title })}</h3>
<dl><dt>${t('access.reason')}</dt><dd>${reason}</dd><dt>${t('access.rights')}</dt><dd>${renderRights(frame, rights)} · ${t('access.minutes', { minutes })}</dd></dl>
<p class="soft" data-live="left ${session}">${left}</p>
${renderAct(frame, {
  action: '/access/answer',
  fields: { session },
  buttons: [
    html`<button class="yes" name="verdict" value="yes">${t('access.yes')}</button>`,
    html`<button class="no" name="verdict" value="no">${t('access.no')}</button>`,
  ],
})}</div>`
}

function renderSession(frame: Frame, visit: SessionView): Html {
  const { t } = frame
  const { session, person, title, rights, reason, since, until } = visit
  const times = `${t('since', { time: formatTime(frame, since) })} · ${t('access.until', { time: formatTime(frame, until) })}`
  const button = html`<button class="no">${t('access.end')}</button>`
  return html`<div class="item"><h3>${person} → ${title}</h3><p class="soft">${renderRights(frame, rights)} · ${times}<br>${reason}</p>
${renderAct(frame, { action: '/access/end', fields: { session }, buttons: [button] })}</div>`
}

function renderTargets({ t }: Frame, plant: Plant): Html {
  const targets = plant.targets()
  if (targets.length === 0) return html`<p class="soft">${t('access.no-targets')}</p>`
  const rows = targets.map(({ title, consent }) => {
    const key = `consent.${consent}`
    return html`<tr><td>${title}</td><td>${isTextKey(key) ? t(key) : consent}</td></tr>`
  })
  return html`<table>${rows}</table>`
}

/** Minutes of a window, at least one. */
export function minutesOf(from: number, until: number): number {
  return Math.max(1, Math.round((until - from) / MINUTE_MS))
}
