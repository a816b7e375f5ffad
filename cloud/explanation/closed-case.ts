/** What a closed case taught is told to everybody at the customer; which case it was, to those who may read it. */
import type { SimilarCase } from '../../protocol/api-explanation.ts'

export interface Reader {
  /** Of these sites they may read the cases; undefined: of every site. */
  sites?: readonly string[]
}

interface ClosedRow {
  id: string
  site: string
  title: string
  asset_name: string
  closed_at: number | null
  outcome: string | null
}

/** Who asks may know the case itself, not only what was learned. */
export function mayRead({ sites }: Reader, site: string): boolean {
  return sites === undefined || sites.includes(site)
}

export function viewClosed(
  { id, site, title, asset_name, closed_at, outcome }: ClosedRow,
  reader: Reader,
): Pick<SimilarCase, 'case' | 'cause' | 'action'> {
  const { cause = '', action = '' } = JSON.parse(outcome ?? '{}')
  const which = { id, title, assetName: asset_name, closedAt: closed_at ?? 0 }
  return { case: mayRead(reader, site) ? which : null, cause, action }
}
