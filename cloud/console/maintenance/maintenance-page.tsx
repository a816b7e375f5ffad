/** Planned maintenance of everything one may see: what runs, what comes, what was; and entering it. */
import { Stack, Text } from '@mantine/core'
import type { MaintenanceWindow } from '../../../protocol/api-maintenance.ts'
import { useMaintenance } from '../api/maintenance-client.ts'
import { useFleet } from '../api/queries.ts'
import { useWords } from '../i18n/language.tsx'
import { Answer, Nothing } from '../parts/answer.tsx'
import { Page } from '../parts/page.tsx'
import { Panel } from '../parts/panel.tsx'
import { WindowCard } from './window-card.tsx'
import { WindowForm } from './window-form.tsx'

export function MaintenancePage() {
  const { t } = useWords()
  const maintenance = useMaintenance()
  const fleet = useFleet()
  return (
    // the fields are in the site's time, which comes with the fleet
    <Page title={t('work.title')} side={fleet.data && <WindowForm />}>
      <Text size="sm" className="prose">
        {t('work.text')}
      </Text>
      <Answer query={maintenance}>
        {({ running, planned, past }) => (
          <Stack gap="sm">
            <Panel title={t('work.running')}>
              <WindowCards list={running} none={t('work.none-running')} />
            </Panel>
            <Panel title={t('work.planned')}>
              <WindowCards list={planned} none={t('work.none-planned')} />
            </Panel>
            <Panel title={t('work.past')}>
              <WindowCards list={past} none={t('work.none-past')} />
            </Panel>
          </Stack>
        )}
      </Answer>
    </Page>
  )
}

function WindowCards({ list, none }: { list: readonly MaintenanceWindow[]; none: string }) {
  if (list.length === 0) return <Nothing>{none}</Nothing>
  return (
    <Stack gap="xs">
      {list.map((window) => (
        <WindowCard key={window.id} window={window} />
      ))}
    </Stack>
  )
}
