/** The page itself, as plain HTML without scripts: it reloads every five seconds. */
import type { GatewayStatus } from './page.ts'

const STYLE = `
:root{color-scheme:light dark;font:16px/1.5 system-ui,sans-serif}
body{max-width:60rem;margin:0 auto;padding:1rem}
h1{font-size:1.3rem}h2{font-size:1.05rem;margin:1.5rem 0 .4rem}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
td,th{text-align:left;padding:.2rem .6rem .2rem 0;border-bottom:1px solid #8884}
.good{color:#2b8a3e}.bad{color:#e03131}.stale{color:#e67700}
button{font:inherit;padding:.6rem 1.2rem;border-radius:.4rem;border:1px solid #8888;cursor:pointer}
button.cut{background:#c92a2a;color:#fff;border:0}
.wide{overflow-x:auto}`

/** Every string that came from a device or the cloud passes here. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`)
}

/** Renders the status of one gateway. */
export function renderStatus(status: GatewayStatus): string {
  const title = `${escapeHtml(status.gateway)} · ${escapeHtml(status.site)}`
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta http-equiv="refresh" content="5">
<meta name="viewport" content="width=device-width,initial-scale=1"><title>${title}</title><style>${STYLE}</style></head><body>
<h1>Gateway ${title}</h1>
${renderLines(status)}
${renderRemoteAccess(status)}
${status.devices.map((device) => renderDevice(device, status.at)).join('\n')}
${renderDecisions(status)}
</body></html>`
}

function renderLines(status: GatewayStatus): string {
  const { outbox } = status
  const rows = [
    [
      'Cloud',
      onOff(status.cloud.connected, status.cloud.since),
      status.cloud.hostOnline ? 'storing' : 'not storing: readings are kept here',
    ],
    ['Tunnel', onOff(status.tunnel.connected, status.tunnel.since), ''],
    [
      'Outbox',
      `${outbox.samples} readings`,
      `${Math.round(outbox.bytes / 1024)} KiB on disk, ${outbox.dropped} dropped`,
    ],
  ]
  return `<table>${rows.map((row) => `<tr>${row.map((cell) => `<td>${cell}</td>`).join('')}</tr>`).join('')}</table>`
}

function onOff(up: boolean, since: number): string {
  return `<span class="${up ? 'good' : 'bad'}">${up ? 'connected' : 'not connected'}</span> since ${time(since)}`
}

function time(at: number | undefined): string {
  return at === undefined || at === 0
    ? 'never'
    : `${new Date(at).toISOString().slice(0, 19).replace('T', ' ')} UTC`
}

function renderRemoteAccess({ remoteAccess }: GatewayStatus): string {
  const targets = remoteAccess.targets.map(escapeHtml).join(', ') || 'none'
  const action = remoteAccess.cut
    ? `<p class="bad">Remote access is cut: ${escapeHtml(remoteAccess.reason ?? '')}</p>
<form method="post" action="/remote-access/restore"><button>Allow remote access again</button></form>`
    : `<form method="post" action="/remote-access/cut"><button class="cut">Cut all remote access now</button></form>`
  return `<h2>Remote access</h2><p>Targets this site allows: ${targets}. Open streams: ${remoteAccess.streams}.</p>${action}`
}

function renderDevice(device: GatewayStatus['devices'][number], now: number): string {
  const rows = device.tags.map((tag) => {
    const kind = tag.quality === 192 ? 'good' : tag.quality === 500 ? 'stale' : 'bad'
    const age =
      tag.at === undefined ? '' : `${Math.max(0, Math.round((now - tag.at) / 1000))} s ago`
    return `<tr><td>${escapeHtml(tag.name)}</td><td>${escapeHtml(tag.value)} ${escapeHtml(tag.unit)}</td><td class="${kind}">${kind}</td><td>${age}</td></tr>`
  })
  const why = device.sentence ? ` · ${escapeHtml(device.sentence)}` : ''
  return `<h2>${escapeHtml(device.id)} <small>(${escapeHtml(device.driver)})</small></h2>
<p>${onOff(device.online, device.since)}${why}</p><div class="wide"><table>${rows.join('')}</table></div>`
}

function renderDecisions({ decisions }: GatewayStatus): string {
  if (decisions.length === 0) return ''
  const rows = decisions.map(
    (d) =>
      `<tr><td>${time(d.at)}</td><td class="${d.allowed ? 'good' : 'bad'}">${d.allowed ? 'allowed' : 'refused'}</td><td>${escapeHtml(d.text)}</td></tr>`,
  )
  return `<h2>Latest decisions</h2><table>${rows.join('')}</table>`
}
