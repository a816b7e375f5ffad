/** The configuration of one gateway: what is in force, the editor, what is under way, former versions. */
import { Stack } from '@mantine/core'
import { useState } from 'react'
import type { GatewayConfigView, PresentConfigView } from '../../../protocol/api-gateway-config.ts'
import { type GatewayName, useGatewayConfig } from '../api/gateway-client.ts'
import { useWhyNot } from '../api/permission.tsx'
import { useFleet } from '../api/queries.ts'
import { useWords } from '../i18n/language.tsx'
import { Answer, Nothing } from '../parts/answer.tsx'
import { Facts } from '../parts/facts.tsx'
import { Mark } from '../parts/mark.tsx'
import { Page } from '../parts/page.tsx'
import { Panel } from '../parts/panel.tsx'
import { When } from '../parts/when.tsx'
import { GatewayCertificate } from './certificate.tsx'
import { ConfigEditor } from './config-editor.tsx'
import { RevokeForm } from './revoke-form.tsx'
import { VersionCard } from './version-card.tsx'

/** As much of a hash as people compare. */
const HASH_CHARS = 12

export function GatewayPage({ of }: { of: GatewayName }) {
  const { t } = useWords()
  const why = useWhyNot()('gateway.configure')
  return (
    <Page title={t('config.title', { gateway: of.gateway })}>
      {why === null ? <Configuration of={of} /> : <Nothing>{why}</Nothing>}
    </Page>
  )
}

function Configuration({ of }: { of: GatewayName }) {
  const found = useGatewayConfig(of)
  return <Answer query={found}>{(view) => <Body view={view} />}</Answer>
}

function Body({ view }: { view: GatewayConfigView }) {
  const { t } = useWords()
  // The editor keeps what is typed; it begins anew only when somebody took another text.
  const [generation, setGeneration] = useState(0)
  const renew = () => setGeneration((count) => count + 1)
  const { present, versions, reachable } = view
  return (
    <div className="columns">
      <Stack gap="sm" className="wide-column">
        <Panel title={t('config.change')}>
          {!reachable && <Mark tone="warn">{t('config.unreachable')}</Mark>}
          {present?.allowed === false && <Mark tone="warn">{t('config.not-allowed')}</Mark>}
          {present ? (
            <ConfigEditor key={generation} view={view} onRenew={renew} />
          ) : (
            <Nothing>{t('config.none')}</Nothing>
          )}
        </Panel>
      </Stack>
      <Stack gap="sm" className="side-column">
        <Panel title={t('config.present')}>
          {present ? <Present present={present} site={view.site} /> : <Nothing>—</Nothing>}
        </Panel>
        <Panel title={t('gateway.certificate')}>
          <Certificate of={view} />
        </Panel>
        <Panel title={t('config.history')}>
          {versions.length === 0 && <Nothing>{t('config.no-history')}</Nothing>}
          <Stack gap="xs">
            {versions.map((version) => (
              <VersionCard key={version.version} of={view} version={version} onRestored={renew} />
            ))}
          </Stack>
        </Panel>
      </Stack>
    </div>
  )
}

function Certificate({ of: { site, gateway } }: { of: GatewayName }) {
  const fleet = useFleet()
  const found = fleet.data?.sites
    .flatMap(({ gateways }) => gateways)
    .find((each) => each.site === site && each.id === gateway)
  if (!found) return <Nothing>—</Nothing>
  return (
    <Stack gap="xs">
      <GatewayCertificate gateway={found} />
      <RevokeForm of={{ site, gateway }} isRevoked={found.revokedAt !== undefined} />
    </Stack>
  )
}

function Present({ present, site }: { present: PresentConfigView; site: string }) {
  const { t } = useWords()
  const { version, hash, readAt } = present
  return (
    <Facts
      facts={[
        [
          t('config.from'),
          version === null ? t('config.from-site') : t('config.from-cloud', { version }),
        ],
        [t('config.read'), <When key="read" at={readAt} site={site} />],
        [t('config.hash'), <code key="hash">{hash.slice(0, HASH_CHARS)}</code>],
      ]}
    />
  )
}
