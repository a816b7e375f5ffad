/** The forms that change something: each names who acts, is put on record, and returns to its page. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { runAct } from './acts.ts'
import { COOKIE } from './doorman.ts'
import { type PageName, pathOf } from './layout.ts'
import { cookieOf, fieldsOf, type PageContext } from './page-context.ts'
import type { Act } from './plant.ts'
import { pageOf } from './view-routes.ts'

const NOBODY = 'somebody at the gateway'
const CUT_REASON = 'switched off at the site'

export function addActRoutes(app: FastifyInstance, context: PageContext): void {
  const { doorman } = context
  const act = (
    path: string,
    page: PageName,
    read: (fields: Record<string, string>) => Omit<Act, 'by'>,
  ) => {
    app.post(path, async (request, reply) => {
      const order = read(fieldsOf(request))
      const actor = await doorman.actor(cookieOf(request))
      // The person at the machine decides: cutting needs nobody's leave.
      const by = actor ?? (order.kind === 'cut' ? NOBODY : undefined)
      if (by === undefined) await reply.redirect(`/sign-in?back=${page}`, 303)
      else {
        const said = await runAct(context, { ...order, by, from: request.ip })
        await reply.redirect(`${pathOf(page)}?said=${said}`, 303)
      }
    })
  }
  act('/remote-access/cut', 'access', ({ reason = '' }) => {
    return { kind: 'cut', object: reason.trim().slice(0, 200) || CUT_REASON }
  })
  act('/remote-access/restore', 'access', () => ({ kind: 'restore', object: 'remote access' }))
  act('/access/answer', 'access', ({ session = '', verdict }) => {
    return { kind: verdict === 'yes' ? 'allow-session' : 'refuse-session', object: session }
  })
  act('/access/end', 'access', ({ session = '' }) => ({ kind: 'end-session', object: session }))
  act('/certificates', 'certificates', ({ device = '', sha256 = '', verdict }) => {
    const kind = verdict === 'trust' ? 'trust-certificate' : 'refuse-certificate'
    return { kind, object: `${device}/${sha256}` }
  })
  app.post('/sign-in', (request, reply) => signIn(context, request, reply))
  app.post('/sign-out', async (request, reply) => {
    doorman.signOut(cookieOf(request))
    await reply.header('set-cookie', formatCookie(context, '', 0)).redirect('/', 303)
  })
}

const SHIFT_S = 8 * 3_600

async function signIn(
  context: PageContext,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  const { doorman, log } = context
  const { name = '', password = '', back } = fieldsOf(request)
  const page = pageOf(back)
  const result = await doorman.signIn({ name, password, address: request.ip })
  if (result.allowed) {
    log.info({ name, from: request.ip }, 'signed in at the gateway')
    const cookie = formatCookie(context, result.cookie, SHIFT_S)
    await reply.header('set-cookie', cookie).redirect(pathOf(page), 303)
    return
  }
  const { reason, waitMs } = result
  log.warn({ name, from: request.ip, reason }, 'sign-in at the gateway refused')
  const seconds = Math.ceil(waitMs / 1000)
  await reply.redirect(`/sign-in?back=${page}&said=${reason}&seconds=${seconds}`, 303)
}

function formatCookie({ tls }: PageContext, value: string, maxAgeS: number): string {
  const secure = tls ? '; Secure' : ''
  return `${COOKIE}=${value}; Path=/; Max-Age=${maxAgeS}; HttpOnly; SameSite=Strict${secure}`
}
