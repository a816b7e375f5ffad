/** `mimamori person` and `mimamori audit`: what an operator does on the machine itself. */
import { randomBytes } from 'node:crypto'
import { type Role, roles } from '../protocol/api.ts'
import { Fault } from '../protocol/kit/fault.ts'
import { nearest } from '../protocol/kit/nearest.ts'
import { openAudit } from './audit/audit.ts'
import { loadCloudConfig } from './config.ts'
import { openIdentity } from './identity/logins.ts'
import { openConfiguredStore } from './open-store.ts'
import type { Store } from './store/store.ts'

export interface PersonOptions {
  config: string
  login: string
  role: string
  name?: string
  /** Comma separated site ids, or `*`. */
  sites: string
}

/** Adds the person, or gives a known one a new password; answers what to tell them. */
export async function setPerson(options: PersonOptions): Promise<string> {
  if (!isRole(options.role)) {
    const near = nearest(options.role, roles)
    const hint = near ? `did you mean ${near}?` : `known are ${roles.join(', ')}`
    throw new Fault('config.invalid', { count: 1, problems: `--role ${options.role}: ${hint}` })
  }
  const config = await loadCloudConfig(options.config)
  await using store = await openConfiguredStore(config)
  const password = randomBytes(12).toString('base64url')
  const known = config.fleet.sites.map(({ id }) => id)
  const sites = options.sites === '*' ? known : options.sites.split(',').map((id) => id.trim())
  const foreign = sites.filter((id) => !known.includes(id))
  if (foreign.length > 0) {
    const problems = `--sites ${foreign.join(',')}: no such site in ${options.config}`
    throw new Fault('config.invalid', { count: foreign.length, problems })
  }
  const person = {
    login: options.login,
    name: options.name ?? options.login,
    role: options.role,
    sites,
    password,
  }
  const isNew = await upsertPerson(store, person)
  return `${isNew ? 'Added' : 'New password for'} ${options.login} (${options.role}): ${password}`
}

export interface Person {
  login: string
  name: string
  role: Role
  sites: string[]
  password: string
}

/** Answers true when the person is new. A known person keeps role and sites and gets the password. */
export async function upsertPerson(store: Store, person: Person): Promise<boolean> {
  const identity = await openIdentity({ store, audit: await openAudit(store) })
  if (await identity.hasPerson(person.login)) {
    await identity.setPassword(person.login, person.password)
    return false
  }
  await identity.createPerson(person)
  return true
}

function isRole(text: string): text is Role {
  return (roles as readonly string[]).includes(text)
}

/** Walks the hash chain. Throws Fault 'audit.broken' with the first entry that does not fit. */
export async function checkAudit(file: string): Promise<string> {
  const config = await loadCloudConfig(file)
  await using store = await openConfiguredStore(config)
  const audit = await openAudit(store)
  const verdict = await audit.verify()
  if (!verdict.intact) throw new Fault('audit.broken', { seq: verdict.brokenAt })
  return 'The audit log is intact: every entry fits the one before it.'
}
