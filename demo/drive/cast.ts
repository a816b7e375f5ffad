/** Where the story is played and by whom: a demo of our own, or a running one and its logins. */
import { Fault } from '../../protocol/kit/fault.ts'
import { persons } from '../places.ts'
import type { DemoLogin } from '../screen.ts'

export const parts = ['engineer', 'technician', 'manager'] as const
export type PartName = (typeof parts)[number]

export interface Cast {
  url: string
  logins: Readonly<Record<PartName, DemoLogin>>
}

const roleOf = {
  engineer: 'engineer',
  technician: 'technician',
  manager: 'site-manager',
} as const satisfies Record<PartName, string>

/** Throws Fault 'drive.no-login' when a role is missing. */
export function createCast(url: string, logins: readonly DemoLogin[]): Cast {
  const find = (part: PartName): DemoLogin => {
    const title = persons.find(({ roleId }) => roleId === roleOf[part])?.role
    const login = logins.find(({ role }) => role === title || role === roleOf[part])
    if (!login) throw new Fault('drive.no-login', { role: roleOf[part] })
    return login
  }
  const [engineer, technician, manager] = [find('engineer'), find('technician'), find('manager')]
  return { url: new URL(url).origin, logins: { engineer, technician, manager } }
}

/** `engineer:emi:word-word,technician:…`; a password may hold colons, not commas. */
export function parseLogins(text: string): DemoLogin[] {
  return text.split(',').map((part) => {
    const [role = '', login = '', ...password] = part.split(':')
    return { role, login, password: password.join(':') }
  })
}
