/** What the parts of the cases share: the store, the facts, who is told. */
import type { CaseSummary } from '../../protocol/api.ts'
import type { Audit } from '../audit/audit.ts'
import type { Store } from '../store/store.ts'
import type { CaseFacts } from './case-detail.ts'
import { listCases } from './case-rows.ts'
import { type CaseWatch, openCaseWatch } from './case-watch.ts'

/** Who acts; the caller has asked the policy already. */
export interface Person {
  id: string
  login: string
  name: string
}

export interface CaseChangeEvent {
  case: CaseSummary
  kind: 'opened' | 'attached' | 'moved' | 'verified' | 'relapsed' | 'closed' | 'dismissed' | 'noted'
}

export interface CasesOptions {
  store: Store
  audit: Audit
  facts: CaseFacts
  /** Unix ms. */
  now?(): number
  onChange(event: CaseChangeEvent): void | Promise<void>
}

/** What the parts of the cases share. */
export interface Parts extends Required<CasesOptions> {
  watch: CaseWatch
  tell(id: string, kind: CaseChangeEvent['kind']): Promise<void>
  note(
    actor: string,
    row: { id: string; site: string },
    action: string,
    detail?: unknown,
  ): Promise<void>
}

export async function createParts(options: CasesOptions): Promise<Parts> {
  const { store, audit, onChange, now = Date.now } = options
  return {
    ...options,
    now,
    watch: await openCaseWatch(store),
    async tell(id, kind) {
      const [changed] = await listCases(store, { state: 'all', id })
      if (changed) await onChange({ case: changed, kind })
    },
    note: (actor, { id, site }, action, detail) =>
      audit.append({ actor, action, object: id, site, outcome: 'done', detail }),
  }
}
