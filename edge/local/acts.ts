/** What people do on the page: put on record in the site's own audit file, and done. */
import type { Log } from '../../protocol/kit/log.ts'
import type { Act, ActKind, Plant } from './plant.ts'

export interface AuditFile {
  /** Rejects when the line cannot be kept. */
  append(entry: Readonly<Record<string, unknown>>): Promise<void>
}

export type ActResult = 'done' | 'late' | 'unkept'

/** Acts that open something: not on record, not done. The others close, and a full disk must not keep a machine open. */
const opening: ReadonlySet<ActKind> = new Set(['restore', 'allow-session', 'trust-certificate'])

/** Does it and keeps it: one line before what opens, one with the outcome after everything. */
export async function runAct(
  { plant, audit, log }: { plant: Pick<Plant, 'perform'>; audit: AuditFile; log: Log },
  act: Act & { from: string },
): Promise<ActResult> {
  const { kind, object, by, from } = act
  const keep = async (outcome: string): Promise<boolean> => {
    const entry = { at: new Date().toISOString(), act: kind, object, by, from, outcome }
    const isKept = await audit.append(entry).then(
      () => true,
      (error: unknown) => {
        log.error({ error, act: kind }, 'an act at the gateway could not be put on record')
        return false
      },
    )
    return isKept
  }
  if (opening.has(kind) && !(await keep('asked'))) return 'unkept'
  const isDone = await plant.perform({ kind, object, by })
  await keep(isDone ? 'done' : 'late')
  log.warn({ act: kind, object, by, isDone }, 'act at the gateway')
  return isDone ? 'done' : 'late'
}
