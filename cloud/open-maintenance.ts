/** Planned maintenance, and whom it reaches: alarms go out of service and come back, what was held is reported, pages are told. */
import { type Maintenance, openMaintenance } from './maintenance/maintenance.ts'
import type { Parts } from './parts.ts'

export async function openConfiguredMaintenance(parts: Parts): Promise<Maintenance> {
  const { store, audit } = parts
  return await openMaintenance({
    ...{ store, audit },
    async onChange({ id, site }) {
      await parts.alarms?.reviewService()
      parts.http?.live.changed({ kind: 'changed', what: 'maintenance', id }, site)
    },
    onRelease: async (report) => void (await parts.cases.fromHook(report)),
  })
}
