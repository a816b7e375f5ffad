/** The models of one asset: versions, comparison, drift, and when they are trained again. */
import { Button, Stack } from '@mantine/core'
import { Link } from 'wouter'
import type { AssetDetail } from '../../../protocol/api.ts'
import { isRunning, useAssetModels } from '../api/model-queries.ts'
import { useAsset } from '../api/queries.ts'
import { useWords } from '../i18n/language.tsx'
import { Answer, Nothing } from '../parts/answer.tsx'
import { Go } from '../parts/go.tsx'
import { Page } from '../parts/page.tsx'
import { Panel } from '../parts/panel.tsx'
import { JobPanel } from '../training/job-panel.tsx'
import { Comparisons } from './comparisons.tsx'
import { Drift } from './drift.tsx'
import { KnownFailures } from './known-failures.tsx'
import { RetrainingForm } from './retraining-form.tsx'
import { isTold, Unjudged } from './unjudged.tsx'
import { VersionCard } from './version-card.tsx'

export function ModelsPage({ asset: id }: { asset: string }) {
  const { t } = useWords()
  const asset = useAsset(id)
  const path = `/assets/${encodeURIComponent(id)}`
  return (
    <Answer query={asset}>
      {(detail) => (
        <Page
          title={t('models.title', { asset: detail.name })}
          side={
            <>
              <Button component={Link} href={`${path}/train`}>
                {t('models.train')}
              </Button>
              <Button component={Link} href={`${path}/upload`} variant="default">
                {t('models.upload')}
              </Button>
            </>
          }
        >
          <span className="marks">
            <Go to={path}>{detail.name}</Go>
            <Go to="/models">{t('models.other')}</Go>
          </span>
          <ModelsBody asset={detail} />
        </Page>
      )}
    </Answer>
  )
}

function ModelsBody({ asset }: { asset: AssetDetail }) {
  const { t } = useWords()
  const found = useAssetModels(asset.id)
  return (
    <Answer query={found}>
      {({ models, comparisons, drift, unjudged, job, retraining }) => (
        <div className="columns">
          <Stack gap="sm" className="wide-column">
            <Panel title={t('models.versions')}>
              {models.length === 0 && <Nothing>{t('models.none')}</Nothing>}
              <div className="versions">
                {models.map((model) => (
                  <VersionCard key={model.id} model={model} />
                ))}
              </div>
            </Panel>
            <Panel title={t('compare.title')}>
              <Comparisons list={comparisons} models={models} site={asset.site} />
            </Panel>
          </Stack>
          <Stack gap="sm" className="side-column">
            {isTold(unjudged) && (
              <Panel title={t('unjudged.title')}>
                <Unjudged unjudged={unjudged} asset={asset} />
              </Panel>
            )}
            {drift && (
              <Panel title={t('drift.title')}>
                <Drift drift={drift} asset={asset} />
              </Panel>
            )}
            {job && <JobPanel job={job} site={asset.site} />}
            <KnownFailures asset={asset.id} busy={isRunning(job)} />
            <Panel title={t('retraining.title')}>
              <RetrainingForm asset={asset.id} now={retraining} />
            </Panel>
          </Stack>
        </div>
      )}
    </Answer>
  )
}
