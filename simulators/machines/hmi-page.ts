/** The one HTML page of every simulated HMI: tiles, a status line and large buttons, filled from `state` each second. */

export type HmiLevel = 'ok' | 'warn' | 'fault'

/** What a machine shows; the page draws it and nothing else. */
export interface HmiView {
  title: string
  status: { level: HmiLevel; text: string }
  tiles: { label: string; value: string; unit?: string; level?: HmiLevel; trend?: boolean }[]
  /** A button posts to `command/<action>`; `reason` says why it is greyed. */
  buttons: { action: string; label: string; isEnabled: boolean; reason?: string }[]
}

const style = `
:root { color-scheme: light dark; --back: #eef1f4; --card: #fff; --ink: #16202a; --soft: #5a6875; --line: #d5dce3;
  --ok: #0b7a53; --warn: #9a5b00; --fault: #c02633; --act: #0f5fa8; --trend: #3d86c6 }
@media (prefers-color-scheme: dark) { :root { --back: #10161c; --card: #1a232c; --ink: #e8eef3; --soft: #9fb0be;
  --line: #2e3b47; --ok: #3ecf98; --warn: #f0ab3d; --fault: #ff6b74; --act: #2f7fc9; --trend: #6bb0ea } }
* { box-sizing: border-box }
body { margin: 0; background: var(--back); color: var(--ink); font: 16px/1.4 system-ui, sans-serif }
main { max-width: 1160px; margin: 0 auto; padding: 16px }
header { display: flex; flex-wrap: wrap; gap: 4px 16px; align-items: baseline; justify-content: space-between }
h1 { font-size: 1.4rem; margin: 4px 0 }
#clock { color: var(--soft); font-variant-numeric: tabular-nums }
#status { margin: 12px 0; padding: 14px 18px; border-radius: 10px; font-size: 1.15rem; font-weight: 600;
  background: var(--card); border: 1px solid var(--line); border-left: 10px solid var(--ok) }
#status.warn { border-left-color: var(--warn); color: var(--warn) }
#status.fault { border-left-color: var(--fault); color: var(--fault) }
#tiles { display: grid; gap: 12px; grid-template-columns: repeat(auto-fit, minmax(160px, 1fr)) }
.tile { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 12px 14px; min-width: 0 }
.tile h2 { margin: 0; font-size: .9rem; font-weight: 500; color: var(--soft) }
.tile p { margin: 2px 0 0; font-size: 1.7rem; font-weight: 600; font-variant-numeric: tabular-nums }
.tile p span { font-size: .95rem; font-weight: 400; color: var(--soft); margin-left: 5px }
.tile.warn p { color: var(--warn) } .tile.fault p { color: var(--fault) }
.tile svg { display: block; width: 100%; height: 34px; margin-top: 4px }
.tile polyline { fill: none; stroke: var(--trend); stroke-width: 2; vector-effect: non-scaling-stroke }
#buttons { display: grid; gap: 12px; grid-template-columns: repeat(auto-fit, minmax(220px, 1fr)); margin: 12px 0 0 }
button { min-height: 68px; border: 0; border-radius: 10px; padding: 10px 16px; font: inherit; font-size: 1.1rem;
  font-weight: 600; color: #fff; background: var(--act); cursor: pointer; touch-action: manipulation }
button:active { filter: brightness(.85) }
button:focus-visible { outline: 3px solid var(--ink); outline-offset: 2px }
button:disabled { background: var(--line); color: var(--soft); cursor: not-allowed }
#message { min-height: 1.6em; margin: 8px 2px; font-weight: 600 } #message.fault { color: var(--fault) }
`

const script = `
const byId = (id) => document.getElementById(id)
const tiles = new Map(), buttons = new Map(), trends = new Map()
const POINTS = 120
function make(name, parent, text) {
  const element = document.createElement(name)
  if (text !== undefined) element.textContent = text
  parent.append(element)
  return element
}
function makeTile(label) {
  const box = make('section', byId('tiles'))
  box.className = 'tile'
  make('h2', box, label)
  const value = make('p', box)
  return { box, value }
}
function drawTrend(tile, label, value) {
  const points = trends.get(label) ?? []
  trends.set(label, points)
  points.push(Number(value))
  if (points.length > POINTS) points.shift()
  if (!tile.line) {
    const space = 'http://www.w3.org/2000/svg'
    const picture = document.createElementNS(space, 'svg')
    picture.setAttribute('viewBox', '0 0 ' + (POINTS - 1) + ' 30')
    picture.setAttribute('preserveAspectRatio', 'none')
    picture.setAttribute('aria-hidden', 'true')
    tile.line = document.createElementNS(space, 'polyline')
    picture.append(tile.line)
    tile.box.append(picture)
  }
  const low = Math.min(...points), span = Math.max(...points) - low || 1
  tile.line.setAttribute('points', points.map((y, x) =>
    (POINTS - points.length + x) + ',' + (28 - ((y - low) / span) * 26).toFixed(1)).join(' '))
}
function show(view) {
  document.title = view.title
  byId('title').textContent = view.title
  byId('status').textContent = view.status.text
  byId('status').className = view.status.level
  byId('clock').textContent = new Date().toLocaleTimeString()
  for (const { label, value, unit, level, trend } of view.tiles) {
    if (!tiles.has(label)) tiles.set(label, makeTile(label))
    const tile = tiles.get(label)
    tile.box.className = 'tile ' + (level ?? '')
    tile.value.textContent = value
    if (unit) make('span', tile.value, unit)
    if (trend) drawTrend(tile, label, value)
  }
  for (const { action, label, isEnabled, reason } of view.buttons) {
    if (!buttons.has(action)) {
      const button = make('button', byId('buttons'))
      button.type = 'button'
      button.dataset.action = action
      button.addEventListener('click', () => command(action, button.textContent))
      buttons.set(action, button)
    }
    const button = buttons.get(action)
    button.textContent = label
    button.disabled = !isEnabled
    button.title = reason ?? ''
  }
}
function say(text, level) {
  byId('message').textContent = text
  byId('message').className = level
}
async function command(action, label) {
  try {
    const response = await fetch('command/' + action, { method: 'POST' })
    const answer = await response.json()
    if (response.ok) { show(answer); say(label + ': done', 'ok') } else say(answer.problem, 'fault')
  } catch { say('The machine does not answer.', 'fault') }
}
let isLost = false
async function poll() {
  try {
    const response = await fetch('state', { cache: 'no-store' })
    if (!response.ok) throw new Error(response.status)
    show(await response.json())
    if (isLost) say('', 'ok')
    isLost = false
  } catch {
    isLost = true
    say('The machine does not answer: the values are old.', 'fault')
  }
  setTimeout(poll, 1000)
}
poll()
`

/** The whole page; every URL in it is relative, so it works under any address and inside a frame. */
export function formatPage(title: string): string {
  const safe = title.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${safe}</title>
<link rel="icon" href="data:,">
<style>${style}</style>
</head>
<body>
<main>
<header><h1 id="title">${safe}</h1><span id="clock"></span></header>
<p id="status" class="ok" role="status">Connecting</p>
<div id="buttons"></div>
<p id="message" role="alert"></p>
<div id="tiles"></div>
</main>
<script>${script}</script>
</body>
</html>
`
}
