/** The part of the HTTP API about planned maintenance: entering it, extending it, ending it early, cancelling it. */
import { type Static, Type } from 'typebox'
import { at, nullable, oneOf, text } from './api-schema.ts'
import { maintenanceStates } from './states.ts'

/** Planned work that runs now, as it stands beside whatever it takes out of service. */
export const MaintenanceMark = Type.Object({
  id: Type.String(),
  text: Type.String({ description: 'what is done' }),
  /** Of several at a time the one that ends last. */
  until: at,
  /** The name of who entered it. */
  by: Type.String(),
})
export type MaintenanceMark = Static<typeof MaintenanceMark>

export const MaintenanceWindow = Type.Object({
  id: Type.String(),
  site: Type.String(),
  /** Null: the whole site with everything in it. */
  asset: nullable(Type.String()),
  assetName: nullable(Type.String()),
  text: Type.String(),
  from: at,
  /** As planned; where it ended early `endedAt` is before it. */
  to: at,
  state: oneOf(maintenanceStates),
  enteredAt: at,
  enteredBy: Type.String(),
  /** It was over when it was entered: no alarm was ever out of service for it. */
  afterwards: Type.Boolean(),
  endedAt: nullable(at),
  /** Null: it ended by itself, or it has not ended. */
  endedBy: nullable(Type.String()),
  cancelledAt: nullable(at),
  cancelledBy: nullable(Type.String()),
})
export type MaintenanceWindow = Static<typeof MaintenanceWindow>

/** GET /api/maintenance?asset=… (own and of its site; left out: of every site one may see) */
export const MaintenanceList = Type.Object({
  now: at,
  running: Type.Array(MaintenanceWindow, { description: 'the one that ends first, first' }),
  planned: Type.Array(MaintenanceWindow, { description: 'the one that begins first, first' }),
  past: Type.Array(MaintenanceWindow, { description: 'newest first, cancelled ones among them' }),
})
export type MaintenanceList = Static<typeof MaintenanceList>

/** POST /api/maintenance: ahead of time, while it is going on, or afterwards. */
export const MaintenanceRequest = Type.Object({
  site: Type.String(),
  /** Null: the whole site. */
  asset: nullable(Type.String()),
  from: at,
  to: at,
  text: text(500, 3),
})
export type MaintenanceRequest = Static<typeof MaintenanceRequest>

/** POST /api/maintenance/:id/extend, while it runs. */
export const ExtendRequest = Type.Object({ to: at })
export type ExtendRequest = Static<typeof ExtendRequest>

/** POST /api/maintenance/:id/cancel, before it begins; and of one that was entered afterwards, by mistake. */
export const CancelMaintenanceRequest = Type.Object({ reason: text(500, 3) })
export type CancelMaintenanceRequest = Static<typeof CancelMaintenanceRequest>
