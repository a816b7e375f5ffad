/** TEST fixture: three people and what their roles allow. */
import type { Action, Me } from '../../../protocol/api.ts'

const reading: Action[] = ['telemetry.read', 'recording.view']
const working: Action[] = [
  ...reading,
  'alarm.acknowledge',
  'alarm.shelve',
  'case.work',
  'case.close',
  'session.request',
  'session.open',
  'session.end',
]

export const people: Me[] = [
  {
    id: 'per_1',
    login: 'engineer',
    name: 'Erika Engineer',
    role: 'engineer',
    sites: ['plant', 'shop'],
    allowed: [...working, 'audit.read'],
  },
  {
    id: 'per_2',
    login: 'technician',
    name: '田中 一郎',
    role: 'technician',
    sites: ['plant'],
    allowed: working,
  },
  {
    id: 'per_3',
    login: 'manager',
    name: 'Mika Manager',
    role: 'site-manager',
    sites: ['plant'],
    allowed: [...reading, 'session.approve', 'session.end', 'audit.read'],
  },
]
export const password = 'a long enough password'
