/** What is left of an asset and of its parts, and what people say of the parts they took out. */
import { type Static, Type } from 'typebox'
import type { LifeView } from '../../../protocol/api-models.ts'
import { idOf, type Route, siteOfAsset } from '../route.ts'

/** POST /api/assets/:id/parts/judge: whether the part that was taken out last had failed. */
const JudgeRequest = Type.Object({
  part: Type.String({ minLength: 1, maxLength: 200 }),
  failed: Type.Boolean(),
})
type JudgeRequest = Static<typeof JudgeRequest>

export const lifeRoutes: readonly Route[] = [
  {
    method: 'GET',
    url: '/api/assets/:id/life',
    access: 'telemetry.read',
    sitesOf: siteOfAsset,
    async handle(call): Promise<LifeView> {
      return { items: await call.services.lifeOf(idOf(call)) }
    },
  },
  {
    method: 'POST',
    url: '/api/assets/:id/parts/judge',
    access: 'case.work',
    sitesOf: siteOfAsset,
    body: JudgeRequest,
    async handle(call) {
      const { part, failed } = call.body as JudgeRequest
      await call.services.judgePart(call.actor, { asset: idOf(call), part, failed })
      return {}
    },
  },
]
