/** Copies the legal state transitions of `protocol/states.ts` into SQL, where foreign keys hold every row to them. */
import type { Kysely } from 'kysely'
import {
  alarmTransitions,
  caseTransitions,
  configTransitions,
  maintenanceTransitions,
  sessionTransitions,
  type Transition,
} from '../../protocol/states.ts'
import type { Schema } from './schema.ts'

type TransitionTable =
  | 'alarm_transitions'
  | 'case_transitions'
  | 'session_transitions'
  | 'gateway_config_transitions'
  | 'maintenance_transitions'
type Pair = { from_state: string; to_state: string }

/** What each SQL table must contain; the pair of a state with itself is how a new row begins. */
export const transitionRows: Readonly<Record<TransitionTable, readonly Pair[]>> = {
  // An alarm row is born by being raised: `normal` to `active-unacked` is in the table already.
  alarm_transitions: pairsOf(alarmTransitions),
  case_transitions: [...pairsOf(caseTransitions), initial('reported')],
  session_transitions: [...pairsOf(sessionTransitions), initial('requested')],
  gateway_config_transitions: [...pairsOf(configTransitions), initial('draft')],
  maintenance_transitions: [...pairsOf(maintenanceTransitions), initial('planned')],
}

/** Makes the tables equal to the constants; removing a pair that a stored row still uses fails on its foreign key. */
export async function writeTransitions(db: Kysely<Schema>): Promise<void> {
  await db.transaction().execute(async (trx) => {
    for (const table of Object.keys(transitionRows) as TransitionTable[]) {
      const wanted = transitionRows[table]
      for (const row of await trx.selectFrom(table).selectAll().execute()) {
        if (wanted.some((pair) => isSamePair(pair, row))) continue
        await trx
          .deleteFrom(table)
          .where('from_state', '=', row.from_state)
          .where('to_state', '=', row.to_state)
          .execute()
      }
      const insert = trx.insertInto(table).values([...wanted])
      await insert.onConflict((conflict) => conflict.doNothing()).execute()
    }
  })
}

function pairsOf(table: readonly Transition<string, string>[]): Pair[] {
  return table.map(({ from, to }) => ({ from_state: from, to_state: to }))
}

function initial(state: string): Pair {
  return { from_state: state, to_state: state }
}

function isSamePair(a: Pair, b: Pair): boolean {
  return a.from_state === b.from_state && a.to_state === b.to_state
}
