/** Machines of a kind at one customer: what a customer's machines went through is no business of another's people. */
import type { Store } from './store.ts'

/** A query of the ids of all assets of its kind at its own site and at the other sites of the same tenant, itself among them. */
export function selectLike({ db }: Pick<Store, 'db'>, asset: string) {
  return db
    .selectFrom('assets as own')
    .innerJoin('assets as other', 'other.kind', 'own.kind')
    .leftJoin('sites as here', 'here.id', 'own.site')
    .leftJoin('sites as there', 'there.id', 'other.site')
    .select('other.id')
    .where('own.id', '=', asset)
    .where(({ eb, or, ref }) =>
      or([eb('other.site', '=', ref('own.site')), eb('there.tenant', '=', ref('here.tenant'))]),
    )
}
