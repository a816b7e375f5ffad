/** The rows of sent configurations and of what each gateway runs with; their views. */
import type { Kysely, Selectable, Updateable } from 'kysely'
import type {
  ConfigDiff,
  ConfigProblemView,
  ConfigReason,
  ConfigVersionSummary,
  PresentConfigView,
} from '../../protocol/api-gateway-config.ts'
import { Fault } from '../../protocol/kit/fault.ts'
import {
  type ConfigAction,
  type ConfigState,
  configTransitions,
  nextState,
} from '../../protocol/states.ts'
import type { ConfigReport } from '../../protocol/tunnel/configuration.ts'
import type { Schema } from '../store/schema.ts'
import type { GatewayName } from './gateway-orders.ts'

export type Db = Kysely<Schema>
export type ConfigRow = Selectable<Schema['gateway_configs']>

/** On its way: neither a draft nor at its end. */
const underWay: readonly ConfigState[] = ['sent', 'staged', 'applied']
/** Stands where a login is: nobody here wrote it. */
const AS_FOUND = 'site'
/** A page shows no more; older ones are found by their number. */
const MAX_LISTED = 100

export function isUnderWay({ state }: Pick<ConfigRow, 'state'>): boolean {
  return underWay.includes(state)
}

const ofGateway = (db: Db, { site, gateway }: GatewayName) =>
  db
    .selectFrom('gateway_configs')
    .selectAll()
    .where('site', '=', site)
    .where('gateway', '=', gateway)

/** True for a gateway of the fleet. */
export async function isGateway(db: Db, { site, gateway }: GatewayName): Promise<boolean> {
  const rows = db.selectFrom('gateways').select('id').where('site', '=', site)
  return (await rows.where('id', '=', gateway).executeTakeFirst()) !== undefined
}

export async function findVersion(
  db: Db,
  of: GatewayName,
  version: number,
): Promise<ConfigRow | undefined> {
  return await ofGateway(db, of).where('version', '=', version).executeTakeFirst()
}

export async function findDraft(db: Db, of: GatewayName): Promise<ConfigRow | undefined> {
  return await ofGateway(db, of).where('state', '=', 'draft').executeTakeFirst()
}

export async function findUnderWay(db: Db, of: GatewayName): Promise<ConfigRow | undefined> {
  return await ofGateway(db, of).where('state', 'in', underWay).executeTakeFirst()
}

/** Newest first, without the draft. */
export async function listVersions(db: Db, of: GatewayName): Promise<ConfigVersionSummary[]> {
  const sent = ofGateway(db, of).where('state', '<>', 'draft')
  const rows = await sent.orderBy('version', 'desc').limit(MAX_LISTED).execute()
  return rows.map(viewVersion)
}

export interface DraftText {
  yaml: string
  base: string
  person: string
  at: number
}

/** Writes over the draft there is, or begins the next version. */
export async function writeDraft(
  db: Db,
  of: GatewayName,
  { yaml, base, person, at }: DraftText,
): Promise<number> {
  const draft = await findDraft(db, of)
  const content = { yaml, base, created_by: person, created_at: at, at }
  if (draft) {
    await rowOf(db, draft).set(content).execute()
    return draft.version
  }
  const newest = await ofGateway(db, of).orderBy('version', 'desc').executeTakeFirst()
  const present = await findPresent(db, of)
  let version = Math.max(newest?.version ?? 0, present?.version ?? 0) + 1
  if (!newest && present) {
    // What was there before the first change is a version too: somebody may want it back.
    await insertVersion(db, of, { ...asFound(present), version })
    version += 1
  }
  await insertVersion(db, of, { ...content, version, previous_state: 'draft', state: 'draft' })
  return version
}

type Content = Pick<
  ConfigRow,
  'version' | 'previous_state' | 'state' | 'yaml' | 'base' | 'created_by' | 'created_at' | 'at'
>

async function insertVersion(db: Db, { site, gateway }: GatewayName, content: Content) {
  const rest = { sent_by: null, sent_at: null, confirm_before: null, why: null, say: null }
  const values = { site, gateway, reason: '', problems: '[]', diff: null, ...rest, ...content }
  await db.insertInto('gateway_configs').values(values).execute()
}

function asFound({ yaml, hash, readAt }: PresentConfigView): Omit<Content, 'version'> {
  return {
    ...{ previous_state: 'applied', state: 'confirmed', yaml, base: hash },
    ...{ created_by: AS_FOUND, created_at: readAt, at: readAt },
  }
}

export async function deleteDraft(db: Db, { site, gateway }: GatewayName): Promise<void> {
  await db
    .deleteFrom('gateway_configs')
    .where('site', '=', site)
    .where('gateway', '=', gateway)
    .where('state', '=', 'draft')
    .execute()
}

export interface MoveValues
  extends Pick<
    Updateable<Schema['gateway_configs']>,
    'reason' | 'sent_by' | 'sent_at' | 'confirm_before'
  > {
  why?: ConfigReason | null
  say?: string
  problems?: readonly ConfigProblemView[]
  diff?: ConfigDiff | null
}

export interface Move {
  action: ConfigAction
  at: number
  values?: MoveValues
}

/** Throws Fault 'gateway-config.conflict' when the action is not legal in the row's state. */
export async function moveVersion(db: Db, row: ConfigRow, move: Move): Promise<ConfigRow> {
  const { action, at, values = {} } = move
  const state = nextState(configTransitions, row.state, action)
  if (!state) {
    const { gateway } = row
    const reason = `version ${row.version} is ${row.state}`
    throw new Fault('gateway-config.conflict', { gateway, action, reason })
  }
  const { problems, diff, ...plain } = values
  const change = {
    ...{ previous_state: row.state, state, at, ...plain },
    ...(problems && { problems: JSON.stringify(problems) }),
    ...(diff && { diff: JSON.stringify(diff) }),
  }
  await rowOf(db, row).set(change).execute()
  return { ...row, ...change }
}

const rowOf = (db: Db, { site, gateway, version }: ConfigRow) =>
  db
    .updateTable('gateway_configs')
    .where('site', '=', site)
    .where('gateway', '=', gateway)
    .where('version', '=', version)

export function viewVersion(row: ConfigRow): ConfigVersionSummary {
  return {
    version: row.version,
    state: row.state,
    reason: row.reason,
    createdBy: row.created_by,
    createdAt: row.created_at,
    at: row.at,
    sentBy: row.sent_by,
    sentAt: row.sent_at,
    confirmBefore: row.state === 'applied' ? row.confirm_before : null,
    why: row.why as ConfigReason | null,
    say: row.say,
    problems: JSON.parse(row.problems) as ConfigProblemView[],
    diff: row.diff === null ? null : (JSON.parse(row.diff) as ConfigDiff),
  }
}

export async function findPresent(
  db: Db,
  { site, gateway }: GatewayName,
): Promise<PresentConfigView | undefined> {
  const row = await db
    .selectFrom('gateway_config_present')
    .selectAll()
    .where('site', '=', site)
    .where('gateway', '=', gateway)
    .executeTakeFirst()
  if (!row) return undefined
  return {
    hash: row.hash,
    from: row.source === 'cloud' ? 'cloud' : 'site',
    version: row.version,
    yaml: row.yaml,
    allowed: row.allowed === 1,
    readAt: row.read_at,
  }
}

/** What the gateway has told of itself takes the place of what it told before. */
export async function writePresent(
  db: Db,
  { site, gateway }: GatewayName,
  { report, at }: { report: ConfigReport; at: number },
): Promise<void> {
  const content = {
    hash: report.hash,
    source: report.from,
    version: report.version,
    yaml: report.yaml,
    allowed: report.allowed ? (1 as const) : (0 as const),
    read_at: at,
  }
  await db
    .insertInto('gateway_config_present')
    .values({ site, gateway, ...content })
    .onConflict((conflict) => conflict.columns(['site', 'gateway']).doUpdateSet(content))
    .execute()
}
