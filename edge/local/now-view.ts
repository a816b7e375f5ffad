/** The first page: lines, what is kept on disk, the devices. */
import { type Html, html } from './html.ts'
import { type Frame, formatAge, formatTime } from './layout.ts'
import type { ClockView, DeviceView, GatewayStatus, OutboxView } from './plant.ts'

/** Gaps shown: the newest. */
const MAX_GAPS = 5

export function renderNow(frame: Frame, status: GatewayStatus): Html {
  const { t } = frame
  return html`${renderCutNote(frame, status)}
<section data-live="lines"><dl>
<dt>${t('line.cloud')}</dt><dd>${renderState(frame, status.cloud)} <small>${t(status.cloud.hostOnline ? 'state.storing' : 'state.keeping')}</small>${renderContest(frame, status.cloud)}</dd>
<dt>${t('line.tunnel')}</dt><dd>${renderState(frame, status.tunnel)}</dd>
${renderCertificate(frame, status)}<dt>${t('line.clock')}</dt><dd>${renderClock(frame, status.clock)}</dd>${renderConfiguration(frame, status)}</dl></section>
<section data-live="outbox"><h2>${t('outbox.title')}</h2>${renderOutbox(frame, status.outbox)}</section>
<section><h2>${t('devices.title')}</h2><table data-live="devices"><thead><tr><th>${t('devices.name')}</th><th>${t('devices.state')}</th><th class="number">${t('devices.tags')}</th></tr></thead><tbody>
${status.devices.map((device) => renderDevice(frame, device))}</tbody></table></section>`
}

/** Whoever stands here must see that somebody far away has changed what is read. */
function renderConfiguration(frame: Frame, { configuration }: GatewayStatus): Html {
  const { t } = frame
  if (!configuration) return html``
  const { version, trial } = configuration
  const from = version === undefined ? t('config.site') : t('config.cloud', { version })
  const until = trial && formatTime(frame, trial.until)
  const note =
    trial && html`<p>${t('config.trial', { version: trial.version, time: until ?? '' })}</p>`
  return html`<dt>${t('line.config')}</dt><dd>${from}${note}</dd>`
}

/** A clock further off than this is told: readings may carry its time. */
const TELL_OFFSET_MS = 2000

function renderClock({ t }: Frame, { isSet, offsetMs, isCorrected }: ClockView): Html {
  if (!isSet) return html`<span class="bad">${t('clock.unset')}</span>`
  if (offsetMs === undefined) return html`${t('clock.alone')}`
  const seconds = (Math.abs(offsetMs) / 1000).toFixed(1)
  const say = t(offsetMs < 0 ? 'clock.ahead' : 'clock.behind', { seconds })
  if (isCorrected)
    return html`<span class="bad">${say}</span> <small>${t('clock.corrected')}</small>`
  return html`<span class="${Math.abs(offsetMs) > TELL_OFFSET_MS ? 'bad' : 'good'}">${say}</span>`
}

/** Two gateways with one identity put each other out: whoever installs the second one must see it here. */
function renderContest({ t }: Frame, { contest }: GatewayStatus['cloud']): Html {
  if (!contest) return html``
  return html`<p class="bad">${t('state.contested', { count: contest.takeovers })}</p>`
}

/** What the cloud knows us by; when it ends nothing goes out any more, so whoever stands here must see it coming. */
function renderCertificate(frame: Frame, { certificate, site, gateway }: GatewayStatus): Html {
  const { t, now } = frame
  if (!certificate) return html``
  const { until, failures, problem } = certificate
  const time = formatTime(frame, until)
  const isOver = until <= now
  const isTrouble = isOver || failures > 0
  const state = html`<span class="${isTrouble ? 'bad' : 'good'}">${t(isOver ? 'own.over' : 'own.until', { time })}</span>`
  const failed =
    failures > 0 &&
    html`<p class="bad">${t('own.failed', { count: failures })} ${problem ?? ''}</p>`
  const command = `mimamori enrol --config cloud.yaml --site ${site} --gateway ${gateway} --out DIR`
  const help = isTrouble && html`<p>${t('own.help')} <code>${command}</code></p>`
  return html`<dt>${t('line.certificate')}</dt><dd>${state} <small>${!isTrouble && t('own.renews')}</small>${failed}${help}</dd>`
}

/** Told on every page where it matters. */
export function renderCutNote({ t }: Frame, { remoteAccess }: GatewayStatus): Html {
  const note = remoteAccess.cut
    ? html`<p class="note bad">${t('access.is-cut', { reason: remoteAccess.reason ?? '' })}</p>`
    : undefined
  return html`<div data-live="cut">${note}</div>`
}

function renderState(
  frame: Frame,
  { connected, since }: { connected: boolean; since: number },
): Html {
  const { t } = frame
  const word = t(connected ? 'state.connected' : 'state.lost')
  const time = t('since', { time: formatTime(frame, since) })
  return html`<span class="${connected ? 'good' : 'bad'}">${word}</span> <small>${time}</small>`
}

function renderOutbox(frame: Frame, outbox: OutboxView): Html {
  const { t, now } = frame
  const { samples, bytes, oldestAt, waiting, refusal, sentLive, sentLate, dropped, gaps } = outbox
  const oldest = oldestAt === undefined ? t('outbox.empty') : formatAge(frame, now - oldestAt)
  const shown = gaps.latest.slice(0, MAX_GAPS).map(({ from, to, reason, lost }) => {
    const count = lost === undefined ? '' : ` · ${t('gap.lost', { count: lost })}`
    return html`<br><small>${formatTime(frame, from)} – ${formatTime(frame, to)} · ${t(`gap.${reason}`)}${count}</small>`
  })
  const size = formatBytes(bytes)
  const memory = waiting > 0 ? `, ${t('outbox.memory', { count: waiting })}` : ''
  return html`<dl><dt>${t('outbox.waiting')}</dt><dd>${t('outbox.readings', { count: samples, size })}${memory}</dd>
${refusal !== undefined && html`<dt>${t('outbox.refusal')}</dt><dd class="bad">${refusal}</dd>`}<dt>${t('outbox.oldest')}</dt><dd>${oldest}</dd>
<dt>${t('outbox.drained')}</dt><dd>${t('outbox.live', { live: sentLive, late: sentLate })}</dd>
<dt>${t('outbox.dropped')}</dt><dd class="${dropped > 0 ? 'bad' : ''}">${dropped}</dd>
<dt>${t('outbox.gaps')}</dt><dd>${gaps.count}${shown}</dd></dl>`
}

function renderDevice(frame: Frame, device: DeviceView): Html {
  const good = device.tags.filter(({ quality }) => quality === 192).length
  const why = device.sentence === undefined ? '' : html`<br><small>${device.sentence}</small>`
  return html`<tr><td><a href="/tags?device=${device.id}">${device.id}</a> <small>${device.driver}</small></td>
<td>${renderState(frame, { connected: device.online, since: device.since })}${why}</td><td class="number nowrap">${good} / ${device.tags.length}</td></tr>`
}

/** KiB and the like, as disks count. */
export function formatBytes(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`
  const units = ['KiB', 'MiB', 'GiB']
  const power = Math.min(3, Math.floor(Math.log2(bytes) / 10))
  return `${(bytes / 1024 ** power).toFixed(1)} ${units[power - 1]}`
}
