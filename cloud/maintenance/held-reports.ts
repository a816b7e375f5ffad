/** What other systems report of a machine in planned maintenance: kept until the maintenance is over, and told then unless it has passed. */
import type { Store } from '../store/store.ts'

export interface Report {
  asset: string
  /** The same for every repetition of one firing. */
  fingerprint: string
  title: string
}

export async function keepReport({ db }: Store, report: Report, at: number): Promise<void> {
  await db
    .insertInto('maintenance_reports')
    .values({ ...report, at })
    .onConflict((conflict) => conflict.doNothing())
    .execute()
}

export async function dropReport(
  { db }: Store,
  { asset, fingerprint }: Pick<Report, 'asset' | 'fingerprint'>,
): Promise<void> {
  await db
    .deleteFrom('maintenance_reports')
    .where('asset', '=', asset)
    .where('fingerprint', '=', fingerprint)
    .execute()
}

/** The oldest first, each with the site of its asset; of an asset that is gone nobody is told. */
export async function listReports({ db }: Store): Promise<(Report & { site: string })[]> {
  return await db
    .selectFrom('maintenance_reports as report')
    .innerJoin('assets', 'assets.id', 'report.asset')
    .select(['report.asset', 'report.fingerprint', 'report.title', 'assets.site'])
    .orderBy('report.at')
    .orderBy('report.fingerprint')
    .execute()
}
