// Refreshes what is marked with data-live, without reloading: nobody's input, focus or press on a button is disturbed.
const PERIOD_MS = 2000
const TIMEOUT_MS = 8000

async function fetchPage() {
  const answer = await fetch(location.href, {
    credentials: 'same-origin',
    signal: AbortSignal.timeout(TIMEOUT_MS),
  })
  if (!answer.ok) throw new Error(String(answer.status))
  return new DOMParser().parseFromString(await answer.text(), 'text/html')
}

/** A block with data-sign is replaced when its signature changes, a plain one when its content does. */
function refresh(page) {
  document.title = page.title
  for (const next of page.querySelectorAll('[data-live]')) {
    const here = document.querySelector(`[data-live="${CSS.escape(next.dataset.live)}"]`)
    if (!here) continue
    const isSame =
      next.dataset.sign === undefined
        ? here.innerHTML === next.innerHTML && here.className === next.className
        : here.dataset.sign === next.dataset.sign
    if (!isSame) here.replaceWith(document.importNode(next, true))
  }
}

async function run() {
  const lost = document.getElementById('lost')
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, PERIOD_MS))
    if (document.hidden) continue
    try {
      refresh(await fetchPage())
      lost.hidden = true
    } catch {
      lost.hidden = false
    }
  }
}

// A select that filters shows its choice at once; the button is for browsers without scripts.
for (const select of document.querySelectorAll('select[data-submit]')) {
  select.addEventListener('change', () => select.form.requestSubmit())
}

run()
