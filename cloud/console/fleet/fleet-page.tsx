/** The fleet: what needs somebody first, then every site with its gateways, devices and assets. */
import { Stack } from '@mantine/core'
import { useFleet } from '../api/queries.ts'
import { useWords } from '../i18n/language.tsx'
import { Answer, Nothing } from '../parts/answer.tsx'
import { Page } from '../parts/page.tsx'
import { Attention } from './attention.tsx'
import { SitePanel } from './site-panel.tsx'

export function FleetPage() {
  const { t } = useWords()
  const fleet = useFleet()
  return (
    <Page title={t('fleet.title')}>
      <Answer query={fleet}>
        {({ sites }) => (
          <Stack gap="sm">
            <Attention sites={sites} />
            {sites.length === 0 && <Nothing>{t('fleet.none')}</Nothing>}
            {sites.map((site) => (
              <SitePanel key={site.id} site={site} />
            ))}
          </Stack>
        )}
      </Answer>
    </Page>
  )
}
