/** The pages that are looked at. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { renderAccess } from './access-view.ts'
import { renderCertificates } from './certificates-view.ts'
import { renderEvents } from './events-view.ts'
import { readCookie } from './guard.ts'
import type { Html } from './html.ts'
import { type Frame, type PageName, pages, pathOf, renderLayout } from './layout.ts'
import { renderNow } from './now-view.ts'
import { cookieOf, type PageContext } from './page-context.ts'
import { renderSignIn } from './sign-in-view.ts'
import { renderTags } from './tags-view.ts'
import { chooseLanguage, createTranslate, isTextKey, languages } from './texts.ts'

const LANGUAGE_COOKIE = 'mimamori-language'
const YEAR_S = 31_536_000

type Query = Record<string, unknown>

export function addViewRoutes(app: FastifyInstance, context: PageContext): void {
  const { plant, doorman } = context
  const show = (page: PageName, render: (frame: Frame, query: Query) => Html | Promise<Html>) => {
    app.get(pathOf(page), async (request, reply) => {
      const frame = await createFrame(context, request, page)
      await sendPage(reply, frame, await render(frame, request.query as Query))
    })
  }
  show('now', (frame) => renderNow(frame, plant.status()))
  show('tags', (frame, query) => {
    const filter = { device: textOf(query.device), find: textOf(query.find) }
    return renderTags(frame, plant.status(), filter)
  })
  show('access', (frame) => renderAccess(frame, plant))
  show('certificates', async (frame) => renderCertificates(frame, await plant.certificates()))
  show('events', (frame) => renderEvents(frame, plant.events()))
  app.get('/sign-in', async (request, reply) => {
    const frame = await createFrame(context, request, 'sign-in')
    const back = pageOf((request.query as Query).back)
    const isGuarded = await doorman.isGuarded()
    await sendPage(reply, frame, renderSignIn(frame, { back, isGuarded }))
  })
  app.get('/language', async (request, reply) => {
    const { to, back } = request.query as Query
    const language = languages.find((it) => it === to) ?? 'en'
    const path = back === 'sign-in' ? '/sign-in' : pathOf(pageOf(back))
    const cookie = `${LANGUAGE_COOKIE}=${language}; Path=/; Max-Age=${YEAR_S}; SameSite=Lax`
    await reply.header('set-cookie', cookie).redirect(path, 303)
  })
}

/** The page of that name; anything else is the first one. */
export function pageOf(name: unknown): PageName {
  return pages.find((it) => it === name) ?? 'now'
}

async function createFrame(
  { plant, doorman, timeZone }: PageContext,
  request: FastifyRequest,
  page: Frame['page'],
): Promise<Frame> {
  const { site, gateway } = plant
  const chosen = readCookie(request.headers.cookie, LANGUAGE_COOKIE)
  const language = chooseLanguage(chosen, request.headers['accept-language'])
  const cookie = cookieOf(request)
  const certificates = await plant.certificates()
  return {
    ...{ page, language, site, gateway, timeZone },
    t: createTranslate(language),
    now: Date.now(),
    person: doorman.name(cookie),
    mayAct: (await doorman.actor(cookie)) !== undefined,
    token: doorman.token(cookie),
    said: readSaid(request.query as Query),
    questions: plant.questions().length,
    certificates: certificates.filter(({ state }) => state === 'waiting').length,
  }
}

function readSaid({ said, seconds }: Query): Frame['said'] {
  const key = `said.${textOf(said)}`
  return isTextKey(key) ? { key, values: { seconds: Number(seconds) || 0 } } : undefined
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value.slice(0, 200) : ''
}

async function sendPage(reply: FastifyReply, frame: Frame, content: Html): Promise<void> {
  await reply.type('text/html; charset=utf-8').send(renderLayout(frame, content))
}
