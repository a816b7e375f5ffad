/** Planned maintenance on the page of one machine: what runs and comes, and entering it. */
import { Group, Stack, Text } from '@mantine/core'
import { useMaintenance } from '../api/maintenance-client.ts'
import { useFleet } from '../api/queries.ts'
import { useWords } from '../i18n/language.tsx'
import { Answer, Nothing } from '../parts/answer.tsx'
import { Go } from '../parts/go.tsx'
import { WindowCard } from './window-card.tsx'
import { WindowForm } from './window-form.tsx'

export function AssetMaintenance({ asset }: { asset: string }) {
  const { t } = useWords()
  const maintenance = useMaintenance(asset)
  const fleet = useFleet()
  return (
    <Stack gap="xs">
      <Answer query={maintenance}>
        {({ running, planned }) => {
          const list = [...running, ...planned]
          if (list.length === 0) return <Nothing>{t('work.none')}</Nothing>
          return list.map((window) => <WindowCard key={window.id} window={window} />)
        }}
      </Answer>
      <Group>{fleet.data && <WindowForm asset={asset} />}</Group>
      <Text size="sm">
        <Go to="/maintenance">{t('work.all')}</Go>
      </Text>
    </Stack>
  )
}
