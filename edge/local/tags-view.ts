/** The live tags: value, unit, quality and age, filtered by device and name. */
import { type Html, html } from './html.ts'
import { type Frame, formatAge } from './layout.ts'
import type { DeviceView, GatewayStatus, TagView } from './plant.ts'

/** Rows in one page: more is slow on an old tablet and nobody reads them. */
const MAX_ROWS = 300

export interface TagFilter {
  /** Id of a device; empty: all of them. */
  device: string
  /** Part of a name, whatever its case. */
  find: string
}

interface Row extends TagView {
  device: string
}

export function renderTags(frame: Frame, status: GatewayStatus, filter: TagFilter): Html {
  const { t } = frame
  const rows = filterRows(status.devices, filter)
  const shown = rows.slice(0, MAX_ROWS)
  const more = t('filter.more', { shown: shown.length, count: rows.length })
  return html`<section>${renderFilter(frame, status, filter)}</section>
<section>${rows.length > shown.length && html`<p>${more}</p>`}${shown.length === 0 && html`<p>${t('filter.none')}</p>`}
<table class="tags"><thead><tr><th>${t('tag.name')}</th><th class="number">${t('tag.value')}</th><th>${t('tag.quality')}</th><th>${t('tag.age')}</th></tr></thead>
<tbody>${shown.map((row) => renderRow(frame, row))}</tbody></table></section>`
}

function filterRows(devices: readonly DeviceView[], { device, find }: TagFilter): Row[] {
  const wanted = find.trim().toLowerCase()
  return devices
    .filter(({ id }) => device === '' || id === device)
    .flatMap(({ id, tags }) => tags.map((tag) => ({ ...tag, device: id })))
    .filter(({ name }) => name.toLowerCase().includes(wanted))
}

function renderFilter({ t }: Frame, { devices }: GatewayStatus, filter: TagFilter): Html {
  const choices = devices.map(({ id }) => {
    const chosen = id === filter.device ? html` selected` : undefined
    return html`<option value="${id}"${chosen}>${id}</option>`
  })
  return html`<form class="acts" method="get" action="/tags">
<label>${t('filter.device')}<select name="device" data-submit="1"><option value="">${t('filter.all')}</option>${choices}</select></label>
<label>${t('filter.find')}<input name="find" value="${filter.find}" maxlength="200"></label>
<button>${t('filter.show')}</button></form>`
}

function renderRow(frame: Frame, { device, name, value, unit, quality, at }: Row): Html {
  const { t, now } = frame
  const kind = quality === 192 ? 'good' : quality === 500 ? 'stale' : 'bad'
  const age = at === undefined ? '–' : formatAge(frame, now - at)
  return html`<tr data-live="tag ${device}/${name}"><td>${name} <small>${device}</small></td>
<td class="number">${value} <small>${unit}</small></td><td class="${kind}">${t(`quality.${kind}`)}</td><td class="age nowrap">${age}</td></tr>`
}
