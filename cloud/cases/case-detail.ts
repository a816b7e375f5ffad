/** Reads a case with all that belongs to it, in the shape the API promises. */
import type {
  AlarmView,
  CaseDetail,
  CaseReport,
  RecordingView,
  SessionView,
  TargetView,
} from '../../protocol/api.ts'
import { derivedTagId, parseTagId, type TagId } from '../../protocol/model.ts'
import { caseSteps } from '../../protocol/states.ts'
import type { Store } from '../store/store.ts'
import { type Db, listCases, readCase } from './case-rows.ts'
import { describeRecovery, heldMs, type RecoveryMemory } from './recovery.ts'
import type { Span } from './report.ts'

/** What a case must know from the other domains; wired by the cloud's main. */
export interface CaseFacts {
  alarmsOf(caseId: string): Promise<AlarmView[]>
  attachAlarm(alarmId: string, caseId: string): Promise<void>
  sessionsOf(caseId: string): Promise<SessionView[]>
  /** Undefined: nothing was recorded. */
  recordingOf(sessionId: string): Promise<RecordingView | undefined>
  /** What stands for a tag over [from, to): the mean of numbers, the last text or switch; null: nothing good. */
  summaryOf(tag: TagId, from: number, to: number): Promise<number | string | boolean | null>
  /** What the asset's model takes for the tag's normal value. */
  normalOf(asset: string, tag: TagId): number | null
  recoveryHoldMs(asset: string): number
  /** A pause of its ratio that is none yet; undefined: as usual. */
  holeMs?(asset: string): number | undefined
}

/** Undefined: there is no such case. */
export async function readCaseDetail(
  store: Store,
  facts: CaseFacts,
  { id, recovery }: { id: string; recovery: RecoveryMemory | undefined },
): Promise<CaseDetail | undefined> {
  const [summary] = await listCases(store, { state: 'all', id })
  if (!summary) return undefined
  const row = await readCase(store.db, id)
  const alarms = await facts.alarmsOf(id)
  const holdMs = facts.recoveryHoldMs(row.asset)
  return {
    ...summary,
    alarms,
    sessions: await facts.sessionsOf(id),
    steps: await readSteps(store.db, id),
    events: await readEvents(store.db, id),
    // The alarm that came first saw the beginning: its contributions point at the cause.
    contributions: alarms.at(-1)?.contributions ?? [],
    targets: await readTargets(store.db, row.asset),
    recovery: {
      condition: describeRecovery(holdMs),
      holdMs,
      heldMs: recovery ? heldMs(recovery) : 0,
    },
    ratioTag: derivedTagId(row.site, row.asset, 'Ratio'),
    report: row.report === null ? null : (JSON.parse(row.report) as CaseReport),
  }
}

/** In the order of the eight steps. */
export async function readSteps(db: Db, id: string): Promise<CaseReport['steps']> {
  const rows = await db
    .selectFrom('case_steps')
    .leftJoin('persons', 'persons.id', 'case_steps.person')
    .select(['step', 'at', 'person', 'persons.name as person_name'])
    .where('case_id', '=', id)
    .execute()
  return rows
    .sort((a, b) => caseSteps.indexOf(a.step) - caseSteps.indexOf(b.step))
    .map(({ step, at, person, person_name }) => ({ step, at, person: person_name ?? person }))
}

async function readEvents(db: Db, id: string): Promise<CaseDetail['events']> {
  const rows = await db
    .selectFrom('case_events')
    .leftJoin('persons', 'persons.id', 'case_events.person')
    .select(['at', 'person', 'kind', 'text', 'persons.name as person_name'])
    .where('case_id', '=', id)
    .orderBy('case_events.id')
    .execute()
  return rows.map(({ at, person, kind, text, person_name }) => {
    return { at, person: person_name ?? person, kind, text }
  })
}

/** What models said, oldest first. */
export async function readFindings(
  db: Db,
  id: string,
): Promise<NonNullable<CaseReport['findings']>> {
  return await db
    .selectFrom('case_events')
    .select(['at', 'text'])
    .where('case_id', '=', id)
    .where('kind', '=', 'finding')
    .orderBy('id')
    .execute()
}

async function readTargets(db: Db, asset: string): Promise<TargetView[]> {
  return await db
    .selectFrom('asset_targets')
    .innerJoin('targets', (join) =>
      join
        .onRef('targets.site', '=', 'asset_targets.site')
        .onRef('targets.gateway', '=', 'asset_targets.gateway')
        .onRef('targets.id', '=', 'asset_targets.target'),
    )
    .select([
      'targets.site',
      'targets.gateway',
      'targets.id',
      'targets.kind',
      'targets.title',
      'targets.consent',
    ])
    .where('asset', '=', asset)
    .orderBy('targets.id')
    .execute()
}

/** The asset's tags with their means before and after. */
export async function readTagChanges(
  { db }: Store,
  facts: CaseFacts,
  { asset, before, after }: { asset: string; before: Span; after: Span },
): Promise<CaseReport['tags']> {
  const rows = await db
    .selectFrom('asset_tags')
    .leftJoin('tags', 'tags.id', 'asset_tags.tag')
    .select(['tag', 'tags.name', 'tags.unit'])
    .where('asset', '=', asset)
    .orderBy('position')
    .execute()
  const changes: CaseReport['tags'] = []
  for (const row of rows) {
    const tag = row.tag as TagId
    changes.push({
      tag,
      name: row.name ?? parseTagId(tag)?.name ?? tag,
      unit: row.unit,
      normal: facts.normalOf(asset, tag),
      before: await facts.summaryOf(tag, before.from, before.to),
      after: await facts.summaryOf(tag, after.from, after.to),
    })
  }
  return changes
}
