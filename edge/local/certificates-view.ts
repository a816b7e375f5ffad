/** The certificates machines have shown: those nobody trusts yet, and what was decided here. */
import { type Html, html } from './html.ts'
import { type Frame, formatTime, renderAct } from './layout.ts'
import type { CertificateView } from './plant.ts'

const states = ['waiting', 'accepted', 'refused'] as const

export function renderCertificates(frame: Frame, certificates: readonly CertificateView[]): Html {
  const { t } = frame
  return html`${states.map((state) => {
    const some = certificates.filter((it) => it.state === state)
    const sign = some.map(({ device, sha256 }) => `${device}/${sha256}`).join(' ')
    return html`<section data-live="certificates-${state}" data-sign="${sign}"><h2>${t(`cert.${state}`)}</h2>
${state === 'waiting' && some.length > 0 && html`<p class="soft">${t('cert.help')}</p>`}
${some.length === 0 && html`<p class="soft">${t('cert.none')}</p>`}${some.map((it) => renderCertificate(frame, it))}</section>`
  })}`
}

function renderCertificate(frame: Frame, certificate: CertificateView): Html {
  const { t, now } = frame
  const { device, subject, issuer, sha256, thumbprint, validFrom, validTo, since, state } =
    certificate
  const isOver = validTo < now
  const fields = { device, sha256 }
  const trust = html`<button class="yes" name="verdict" value="trust">${t('cert.trust')}</button>`
  const refuse = html`<button class="no" name="verdict" value="refuse">${t('cert.reject')}</button>`
  const buttons = { waiting: [trust, refuse], accepted: [refuse], refused: [trust] }[state]
  return html`<div class="item"><h3>${device}</h3><dl>
<dt>${t('cert.subject')}</dt><dd>${subject}</dd>
<dt>${t('cert.issuer')}</dt><dd>${issuer}</dd>
<dt>${t('cert.valid')}</dt><dd class="${isOver ? 'bad' : ''}">${formatTime(frame, validFrom)} – ${formatTime(frame, validTo)}${isOver && ` · ${t('cert.over')}`}</dd>
<dt>${t('cert.sha256')}</dt><dd class="print">${formatPrint(sha256)}</dd>
<dt>${t('cert.thumbprint')}</dt><dd class="print">${formatPrint(thumbprint)}</dd>
<dt>${t(state === 'waiting' ? 'cert.seen' : 'cert.decided')}</dt><dd>${formatTime(frame, since)}</dd></dl>
${renderAct(frame, { action: '/certificates', fields, buttons })}</div>`
}

/** `AB12 CD34 …`: four at a time can be compared by eye. */
function formatPrint(hex: string): string {
  return (hex.toUpperCase().match(/.{1,4}/g) ?? []).join(' ')
}
