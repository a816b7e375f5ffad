/** Who acts: a name, and the password of the gateway. */
import { type Html, html } from './html.ts'
import { type Frame, renderToken } from './layout.ts'

/** `back`: the page to return to. */
export function renderSignIn(
  frame: Frame,
  { back, isGuarded }: { back: string; isGuarded: boolean },
): Html {
  const { t, mayAct } = frame
  const note = isGuarded
    ? undefined
    : html`<p class="note">${t(mayAct ? 'sign.open' : 'sign.none')}</p>`
  const password = html`<label>${t('sign.password')}<input type="password" name="password" autocomplete="current-password" maxlength="200"></label>`
  return html`${note}<section><h2>${t('sign.in')}</h2><p class="soft">${t('sign.why')}</p>
<form class="acts" method="post" action="/sign-in">${renderToken(frame)}<input type="hidden" name="back" value="${back}">
<label>${t('sign.name')}<input name="name" required maxlength="60" autocomplete="name"></label>
${isGuarded ? password : undefined}<button>${t('sign.in')}</button></form></section>`
}
