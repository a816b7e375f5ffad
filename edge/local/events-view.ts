/** What happened lately, newest first; the gateway's log has all of it. */
import { type Html, html } from './html.ts'
import { type Frame, formatTime } from './layout.ts'
import type { EventView } from './plant.ts'
import { isTextKey } from './texts.ts'

export function renderEvents(frame: Frame, events: readonly EventView[]): Html {
  const { t } = frame
  const rows = events.map((event) => {
    return html`<tr><td class="nowrap"><small>${formatTime(frame, event.at)}</small></td><td>${sayEvent(frame, event)}</td></tr>`
  })
  const none = html`<p class="soft">${t('events.none')}</p>`
  return html`<section data-live="events">${events.length === 0 ? none : html`<table>${rows}</table>`}</section>`
}

function sayEvent({ t }: Frame, { kind, what, why = '', who = '' }: EventView): string {
  if (kind !== 'act') return t(`event.${kind}`, { what, why })
  const key = `act.${what}`
  const act = isTextKey(key) ? t(key) : what
  return t('event.act', { who, what: why === '' ? act : `${act} (${why})` })
}
