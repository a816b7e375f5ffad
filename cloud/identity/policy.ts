/** The one table of who may do what: role by action, then the site. */
import type { Action, Role } from '../../protocol/api.ts'
import { actions } from '../../protocol/api.ts'
import type { PersonId } from '../../protocol/model.ts'

/** Somebody who is logged in. */
export interface Actor {
  id: PersonId
  login: string
  name: string
  role: Role
  /** Site ids; `*` alone stands for every site. */
  sites: readonly string[]
}

/** Stands in `Actor.sites` for every site, also those added later. */
export const EVERY_SITE = '*'

export type Verdict =
  | { allowed: true }
  /** `foreign`: the object is of a site the actor does not know of; it must look as if it did not exist. */
  | { allowed: false; reason: string; foreign: boolean }

const notForAdmin: readonly Action[] = ['session.request', 'session.approve', 'session.open']

const allowedOf: Readonly<Record<Role, readonly Action[]>> = {
  engineer: [
    'telemetry.read',
    'alarm.acknowledge',
    'alarm.shelve',
    'case.work',
    'case.close',
    'recording.view',
    'model.train',
    'model.stage',
    'gateway.configure',
    'maintenance.plan',
  ],
  technician: [
    'telemetry.read',
    'alarm.acknowledge',
    'case.work',
    'case.close',
    'session.request',
    'session.open',
    'session.end',
    'recording.view',
  ],
  'site-manager': [
    'telemetry.read',
    'alarm.acknowledge',
    'alarm.shelve',
    'session.approve',
    'session.end',
    'recording.view',
    'audit.read',
    'maintenance.plan',
  ],
  // Administers, but neither enters a machine nor lets anybody in.
  admin: actions.filter((action) => !notForAdmin.includes(action)),
}

/** What a role may do on its own sites. */
export function allowedActions(role: Role): readonly Action[] {
  return allowedOf[role]
}

/** May the actor do this at the site? `null`: the call is about no one site (a list, filtered by its sites). */
export function can(
  actor: Pick<Actor, 'role' | 'sites'>,
  action: Action,
  site: string | null,
): Verdict {
  if (site !== null && !knowsSite(actor, site)) {
    return { allowed: false, reason: 'the object belongs to another site', foreign: true }
  }
  if (!allowedOf[actor.role].includes(action)) {
    return { allowed: false, reason: `${actor.role} may not ${action}`, foreign: false }
  }
  return { allowed: true }
}

/** True when the site is one of the actor's. */
export function knowsSite(actor: Pick<Actor, 'sites'>, site: string): boolean {
  return actor.sites.includes(EVERY_SITE) || actor.sites.includes(site)
}
