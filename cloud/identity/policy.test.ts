/** The policy against a matrix written by hand. */
import { describe, expect, it } from 'vitest'
import { type Action, actions, type Role, roles } from '../../protocol/api.ts'
import { can } from './policy.ts'

/** Written by hand from the specification, a row per action: engineer, technician, site-manager, admin. */
const matrix: Record<Action, string> = {
  'telemetry.read': 'yes yes yes yes',
  'alarm.acknowledge': 'yes yes yes yes',
  'alarm.shelve': 'yes no yes yes',
  'case.work': 'yes yes no yes',
  'case.close': 'yes yes no yes',
  'session.request': 'no yes no no',
  'session.approve': 'no no yes no',
  'session.open': 'no yes no no',
  'session.end': 'no yes yes yes',
  'recording.view': 'yes yes yes yes',
  'audit.read': 'no no yes yes',
  'model.train': 'yes no no yes',
  'model.stage': 'yes no no yes',
  'gateway.configure': 'yes no no yes',
  'gateway.revoke': 'no no no yes',
  // Who may shelve an alarm may take a machine out of service: never the visitor who works on it.
  'maintenance.plan': 'yes no yes yes',
}

const cells = actions.flatMap((action) =>
  roles.map((role, column): [Role, Action, boolean] => [
    role,
    action,
    matrix[action].split(' ')[column] === 'yes',
  ]),
)

describe('policy', () => {
  it.each(cells)('%s, %s: %s on the own site, foreign on any other', (role, action, allowed) => {
    const actor = { role, sites: ['plant'] }
    expect(can(actor, action, 'plant').allowed).toBe(allowed)
    expect(can(actor, action, null).allowed).toBe(allowed)
    expect(can(actor, action, 'shop')).toMatchObject({ allowed: false, foreign: true })
    expect(can({ role, sites: ['*'] }, action, 'shop').allowed).toBe(allowed)
    expect(can({ role, sites: [] }, action, 'plant').allowed).toBe(false)
  })

  it('says why not', () => {
    expect(can({ role: 'engineer', sites: ['plant'] }, 'session.open', 'plant')).toEqual({
      allowed: false,
      reason: 'engineer may not session.open',
      foreign: false,
    })
  })

  it('lets nobody both ask for access and grant it', () => {
    for (const role of roles) {
      const actor = { role, sites: ['*'] }
      const both = (['session.request', 'session.approve'] as const).every(
        (action) => can(actor, action, 'plant').allowed,
      )
      expect(both, role).toBe(false)
    }
  })
})
