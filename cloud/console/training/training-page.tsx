/** Trains a model of an asset: the normal periods, the start, the progress, the back-test, and putting it to use. */
import { NativeSelect, Stack, Text } from '@mantine/core'
import { useState } from 'react'
import type { AssetDetail } from '../../../protocol/api.ts'
import { useAssetModels, useTrainingProposal } from '../api/model-queries.ts'
import { useAsset, useFleet } from '../api/queries.ts'
import { useWords } from '../i18n/language.tsx'
import { Answer } from '../parts/answer.tsx'
import { Go } from '../parts/go.tsx'
import { Page } from '../parts/page.tsx'
import { Panel } from '../parts/panel.tsx'
import { TrainingForm } from './training-form.tsx'
import { TrainingResult } from './training-result.tsx'

const day = 86_400_000
/** How far back the system looks for normal periods. */
const lookBacks = { all: null, '1': day, '7': 7 * day, '30': 30 * day } as const
type LookBack = keyof typeof lookBacks
const isLookBack = (value: string): value is LookBack => value in lookBacks

export function TrainingPage({ asset: id }: { asset: string }) {
  const { t } = useWords()
  const asset = useAsset(id)
  const fleet = useFleet()
  return (
    <Answer query={asset}>
      {(detail) => (
        <Page title={t('training.title', { asset: detail.name })}>
          <Text size="sm">
            <Go to={`/assets/${encodeURIComponent(id)}/models`}>{t('models.link')}</Go>
          </Text>
          {/* the fields are in the site's time, which comes with the fleet */}
          <Answer query={fleet}>{() => <TrainingBody asset={detail} />}</Answer>
        </Page>
      )}
    </Answer>
  )
}

function TrainingBody({ asset }: { asset: AssetDetail }) {
  const { t } = useWords()
  const [lookBack, setLookBack] = useState<LookBack>('all')
  const proposal = useTrainingProposal(asset.id, lookBacks[lookBack])
  const models = useAssetModels(asset.id)
  const job = models.data?.job ?? null
  const choice = (
    <NativeSelect
      label={t('training.look-back')}
      value={lookBack}
      onChange={({ currentTarget: { value } }) => setLookBack(isLookBack(value) ? value : 'all')}
      data={[
        { value: 'all', label: t('training.look-back.all') },
        { value: '1', label: t('span.24h') },
        { value: '7', label: t('span.7d') },
        { value: '30', label: t('span.30d') },
      ]}
    />
  )
  return (
    <Stack gap="sm">
      <Answer query={proposal}>
        {(found) => (
          <TrainingForm key={lookBack} asset={asset} proposal={found} choice={choice} job={job} />
        )}
      </Answer>
      {job && (
        <TrainingResult
          job={job}
          model={models.data?.models.find(({ id }) => id === job.model)}
          site={asset.site}
        />
      )}
      {!job && <Panel title={t('training.job')}>{t('step.not-yet')}</Panel>}
    </Stack>
  )
}
