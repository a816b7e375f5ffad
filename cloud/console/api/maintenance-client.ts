/** The typed questions and commands of the API about planned maintenance, and how often they are asked. */
import { useQuery } from '@tanstack/react-query'
import type {
  CancelMaintenanceRequest,
  ExtendRequest,
  MaintenanceList,
  MaintenanceRequest,
  MaintenanceWindow,
} from '../../../protocol/api-maintenance.ts'
import { get, part, post } from './http.ts'

/** Events tell of every change: this is the net below them. */
const calmMs = 15_000

/** Of an asset with what covers its site; left out: of everything one may see. */
export const useMaintenance = (asset?: string) =>
  useQuery({
    queryKey: ['maintenance', asset ?? null],
    queryFn: () =>
      get<MaintenanceList>(
        asset === undefined ? '/api/maintenance' : `/api/maintenance?asset=${part(asset)}`,
      ),
    refetchInterval: calmMs,
  })

export const enterMaintenance = (body: MaintenanceRequest) =>
  post<MaintenanceWindow>('/api/maintenance', body)
export const endMaintenance = (id: string) =>
  post<MaintenanceWindow>(`/api/maintenance/${part(id)}/end`)
export const extendMaintenance = (id: string, body: ExtendRequest) =>
  post<MaintenanceWindow>(`/api/maintenance/${part(id)}/extend`, body)
export const cancelMaintenance = (id: string, body: CancelMaintenanceRequest) =>
  post<MaintenanceWindow>(`/api/maintenance/${part(id)}/cancel`, body)
