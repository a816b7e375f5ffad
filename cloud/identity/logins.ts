/** Persons and their logins: passwords in, random tokens out, every try throttled and audited. */
import { createHash, randomBytes } from 'node:crypto'
import { type Role, roles } from '../../protocol/api.ts'
import { Fault } from '../../protocol/kit/fault.ts'
import type { PersonId } from '../../protocol/model.ts'
import type { Audit } from '../audit/audit.ts'
import type { Store } from '../store/store.ts'
import { hashPassword, isPassword } from './passwords.ts'
import { type Actor, EVERY_SITE } from './policy.ts'
import { createThrottle, type Throttle, type ThrottleKey } from './throttle.ts'

export interface NewPerson {
  /** Compared without case. */
  login: string
  name: string
  role: Role
  /** Site ids; `['*']`: every site. */
  sites: readonly string[]
  password: string
}

export interface IdentityOptions {
  store: Store
  audit: Audit
  /** Unix ms. */
  now?: () => number
}

export interface Identity {
  /** Throws Fault 'identity.login-taken'. */
  createPerson(person: NewPerson): Promise<PersonId>
  /** Takes effect with the person's next request; a disabled person is out at once. */
  changePerson(
    id: PersonId,
    change: { role?: Role; sites?: readonly string[]; disabled?: boolean },
  ): Promise<void>
  setPassword(login: string, password: string): Promise<void>
  hasPerson(login: string): Promise<boolean>
  /** `from`: the caller's address. Throws Fault 'login.refused', or 'login.throttled' after too many tries. */
  login(login: string, password: string, from: string): Promise<{ token: string; actor: Actor }>
  /** Undefined: unknown, expired or disabled. */
  personOf(token: string): Promise<Actor | undefined>
  logout(token: string): Promise<void>
}

/** A working day and the way home; then the password is asked again. */
export const LOGIN_LIFE_MS = 12 * 60 * 60_000
/** 256 bits: not to be guessed. */
const TOKEN_BYTES = 32

export async function openIdentity({ store, audit, now = Date.now }: IdentityOptions) {
  const throttle = createThrottle()
  // Checked when the name is unknown, so that the answer takes as long as for a known one.
  const decoy = await hashPassword(randomBytes(TOKEN_BYTES).toString('hex'))
  const login = createLogin({ store, audit, now, throttle, decoy })
  const identity: Identity = {
    createPerson: (person) => createPerson(store, person),
    async changePerson(id, { role, sites, disabled }) {
      const change = {
        ...(role && { role }),
        ...(sites && { sites: formatSites(sites) }),
        ...(disabled !== undefined && { disabled: disabled ? (1 as const) : (0 as const) }),
      }
      await store.db.updateTable('persons').set(change).where('id', '=', id).execute()
      if (disabled) await store.db.deleteFrom('logins').where('person', '=', id).execute()
      await audit.append({
        actor: 'system',
        action: 'person.change',
        object: id,
        outcome: 'done',
        detail: { role, sites, disabled },
      })
    },
    async setPassword(name, password) {
      const password_hash = await hashPassword(password)
      const wanted = normalise(name)
      await store.db
        .updateTable('persons')
        .set({ password_hash })
        .where('login', '=', wanted)
        .execute()
      // Whoever knew the old password is out.
      await store.db
        .deleteFrom('logins')
        .where('person', 'in', (query) =>
          query.selectFrom('persons').select('id').where('login', '=', wanted),
        )
        .execute()
    },
    hasPerson: async (name) => (await findPerson(store, normalise(name))) !== undefined,
    login,
    personOf: (token) => personOf(store, token, now()),
    async logout(token) {
      const actor = await personOf(store, token, now())
      await store.db.deleteFrom('logins').where('token_hash', '=', hashToken(token)).execute()
      if (actor) {
        await audit.append({
          actor: actor.login,
          action: 'logout',
          object: actor.id,
          outcome: 'done',
        })
      }
    },
  }
  return identity
}

async function createPerson(store: Store, person: NewPerson): Promise<PersonId> {
  const id: PersonId = `per_${randomBytes(9).toString('base64url')}`
  const login = normalise(person.login)
  const inserted = await store.db
    .insertInto('persons')
    .values({
      id,
      login,
      name: person.name,
      role: person.role,
      password_hash: await hashPassword(person.password),
      sites: formatSites(person.sites),
      disabled: 0,
    })
    .onConflict((conflict) => conflict.column('login').doNothing())
    .executeTakeFirst()
  if (inserted.numInsertedOrUpdatedRows !== 1n) throw new Fault('identity.login-taken', { login })
  return id
}

interface LoginParts extends Required<IdentityOptions> {
  throttle: Throttle
  decoy: string
}

function createLogin({ store, audit, now, throttle, decoy }: LoginParts): Identity['login'] {
  return async (name, password, from) => {
    const login = normalise(name)
    const keys = throttleKeys(login, from)
    const note = (outcome: 'done' | 'denied', reason?: string) =>
      audit.append({
        actor: login,
        action: 'login',
        object: login,
        outcome,
        detail: { from, reason },
      })
    const { waitMs } = throttle.take(keys, now())
    if (waitMs > 0) {
      await note('denied', 'throttled')
      throw new Fault('login.throttled', { seconds: Math.ceil(waitMs / 1_000) })
    }
    const person = await findPerson(store, login)
    const isRight = await isPassword(password, person?.password_hash ?? decoy)
    if (!person || !isRight || person.disabled) {
      await note('denied', 'wrong login or password')
      throw new Fault('login.refused')
    }
    throttle.forgive(keys)
    const token = randomBytes(TOKEN_BYTES).toString('base64url')
    const created_at = now()
    await store.db.deleteFrom('logins').where('expires_at', '<=', created_at).execute()
    await store.db
      .insertInto('logins')
      .values({
        token_hash: hashToken(token),
        person: person.id,
        created_at,
        expires_at: created_at + LOGIN_LIFE_MS,
      })
      .execute()
    await note('done')
    return { token, actor: toActor(person) }
  }
}

/** Five tries for one name from one place; more for a whole place (an office behind one address) and a name everywhere. */
function throttleKeys(login: string, from: string): ThrottleKey[] {
  return [
    { key: `both ${from} ${login}`, free: 5 },
    { key: `from ${from}`, free: 20 },
    { key: `login ${login}`, free: 50 },
  ]
}

async function personOf(store: Store, token: string, now: number): Promise<Actor | undefined> {
  const row = await store.db
    .selectFrom('logins')
    .innerJoin('persons', 'persons.id', 'logins.person')
    .selectAll('persons')
    .where('token_hash', '=', hashToken(token))
    .where('expires_at', '>', now)
    .where('disabled', '=', 0)
    .executeTakeFirst()
  return row && toActor(row)
}

async function findPerson(store: Store, login: string) {
  return await store.db
    .selectFrom('persons')
    .selectAll()
    .where('login', '=', login)
    .executeTakeFirst()
}

function toActor(row: {
  id: string
  login: string
  name: string
  role: string
  sites: string
}): Actor {
  const role = roles.find((known) => known === row.role)
  if (!role)
    throw new Fault('internal', { what: `person ${row.id} has the unknown role ${row.role}` })
  const parsed: unknown = JSON.parse(row.sites)
  const sites = parsed === EVERY_SITE ? [EVERY_SITE] : (parsed as string[])
  return { id: row.id as PersonId, login: row.login, name: row.name, role, sites }
}

function formatSites(sites: readonly string[]): string {
  return JSON.stringify(sites.includes(EVERY_SITE) ? EVERY_SITE : sites)
}

function normalise(login: string): string {
  return login.normalize('NFC').trim().toLowerCase()
}

function hashToken(token: string): string {
  return createHash('sha256').update(token).digest('hex')
}
