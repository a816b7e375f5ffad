/** TEST fixture: four people and what their roles allow. */
import { type Action, actions, type Me } from '../../../protocol/api.ts'

const working: Action[] = [
  'telemetry.read',
  'alarm.acknowledge',
  'case.work',
  'case.close',
  'recording.view',
]
const visiting: Action[] = ['session.request', 'session.open', 'session.end']
const deciding: Action[] = [
  'telemetry.read',
  'alarm.acknowledge',
  'alarm.shelve',
  'session.approve',
  'maintenance.plan',
]
const notForAdmin: Action[] = ['session.request', 'session.approve', 'session.open']

const of = (login: string, name: string, role: Me['role'], allowed: Action[]): Me => {
  const sites = role === 'admin' ? ['*'] : ['plant']
  return { id: `per_${login}`, login, name, role, sites, allowed }
}
export const people: Me[] = [
  of('engineer', 'Erika Engineer', 'engineer', [
    ...working,
    'alarm.shelve',
    'model.train',
    'model.stage',
    'gateway.configure',
    'maintenance.plan',
  ]),
  of('technician', '田中 一郎', 'technician', [...working, ...visiting]),
  of('manager', 'Mika Manager', 'site-manager', [
    ...deciding,
    'session.end',
    'recording.view',
    'audit.read',
  ]),
  of(
    'admin',
    'Ada Admin',
    'admin',
    actions.filter((action) => !notForAdmin.includes(action)),
  ),
]
export const password = 'a long enough password'
