/** The typed questions and commands of the API about the configuration of a gateway, and how often they are asked. */
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import type {
  CancelConfigRequest,
  ConfigCheckView,
  ConfigText,
  ConfigVersionView,
  GatewayConfigView,
  RestoreConfigRequest,
  RevokeGatewayRequest,
  SendConfigRequest,
} from '../../../protocol/api-gateway-config.ts'
import { get, part, post } from './http.ts'

export interface GatewayName {
  site: string
  gateway: string
}

/** A version under way is what people watch. */
const watchedMs = 1_000
/** The answer may be a megabyte, and events tell of every change: this is the net below them. */
const calmMs = 15_000

const root = ({ site, gateway }: GatewayName) =>
  `/api/gateways/${part(site)}/${part(gateway)}/configuration`

/** Its place in the console. */
export const configPath = ({ site, gateway }: GatewayName) =>
  `/gateways/${part(site)}/${part(gateway)}`

export const isUnderWay = (state: string | undefined) =>
  state === 'sent' || state === 'staged' || state === 'applied'

export const useGatewayConfig = (of: GatewayName) =>
  useQuery({
    queryKey: ['gateway-config', of.site, of.gateway],
    queryFn: () => get<GatewayConfigView>(root(of)),
    refetchInterval: ({ state }) =>
      isUnderWay(state.data?.versions[0]?.state) ? watchedMs : calmMs,
  })

/** What was sent once is never changed. */
export const useConfigVersion = (of: GatewayName, version: number, enabled: boolean) =>
  useQuery({
    queryKey: ['gateway-config', of.site, of.gateway, version],
    queryFn: () => get<ConfigVersionView>(`${root(of)}/versions/${version}`),
    staleTime: Number.POSITIVE_INFINITY,
    enabled,
  })

export const checkConfig = (of: GatewayName, body: ConfigText) =>
  post<ConfigCheckView>(`${root(of)}/check`, body)
export const saveConfigDraft = (of: GatewayName, body: ConfigText) =>
  post<GatewayConfigView>(`${root(of)}/draft`, body)
export const sendConfig = (of: GatewayName, body: SendConfigRequest) =>
  post<GatewayConfigView>(`${root(of)}/send`, body)
export const cancelConfig = (of: GatewayName, body: CancelConfigRequest) =>
  post<GatewayConfigView>(`${root(of)}/cancel`, body)
export const restoreConfig = (of: GatewayName, body: RestoreConfigRequest) =>
  post<GatewayConfigView>(`${root(of)}/restore`, body)

/** What was cut shows in the fleet. */
export function useRevoke({ site, gateway }: GatewayName) {
  const queries = useQueryClient()
  return useMutation({
    mutationFn: (body: RevokeGatewayRequest) =>
      post<object>(`/api/gateways/${part(site)}/${part(gateway)}/revoke`, body),
    onSuccess: () => queries.invalidateQueries({ queryKey: ['fleet'] }),
  })
}

/** Every change answers with the page as it is after it. */
export function useConfigChange<Input>(
  of: GatewayName,
  change: (input: Input) => Promise<GatewayConfigView>,
) {
  const queries = useQueryClient()
  const key = ['gateway-config', of.site, of.gateway]
  return useMutation({
    mutationFn: change,
    onSuccess: (view) => queries.setQueryData(key, view),
    // A refusal may mean that the page was out of date.
    onError: () => queries.invalidateQueries({ queryKey: key }),
  })
}
