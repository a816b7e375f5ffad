/** One site: its assets as cards, then the gateways and devices their data comes from. */
import { Stack, Text } from '@mantine/core'
import type { Fleet } from '../../../protocol/api.ts'
import { useMaintenance } from '../api/maintenance-client.ts'
import { useWords } from '../i18n/language.tsx'
import { markOf, WorkBanner } from '../maintenance/work-marks.tsx'
import { Nothing } from '../parts/answer.tsx'
import { Panel } from '../parts/panel.tsx'
import { AssetCard } from './asset-card.tsx'
import { GatewayBlock } from './gateway-block.tsx'

export function SitePanel({ site }: { site: Fleet['sites'][number] }) {
  const { t } = useWords()
  const running = useMaintenance().data?.running ?? []
  // The one that ends last stands first from behind.
  const whole = running.findLast((work) => work.site === site.id && work.asset === null)
  return (
    <Panel
      title={site.name}
      side={
        <Text size="xs" c="dimmed">
          {site.tenant} · {site.timeZone}
        </Text>
      }
    >
      <Stack gap="sm">
        {whole && <WorkBanner work={markOf(whole)} site={site.id} whole />}
        {site.assets.length === 0 && <Nothing>{t('fleet.no-assets')}</Nothing>}
        <div className="cards">
          {site.assets.map((asset) => (
            <AssetCard key={asset.id} asset={asset} />
          ))}
        </div>
        <div className="gateways">
          {site.gateways.map((gateway) => (
            <GatewayBlock key={gateway.id} gateway={gateway} />
          ))}
        </div>
        {site.gateways.length === 0 && <Nothing>{t('fleet.no-gateways')}</Nothing>}
      </Stack>
    </Panel>
  )
}
