/** Which model watches the asset, in the few facts that let one trust it or not, and whether the machine still works where it learned. */
import { Stack, Text } from '@mantine/core'
import type { AssetDetail } from '../../../protocol/api.ts'
import { useAssetModels } from '../api/model-queries.ts'
import { formatNumber } from '../i18n/format.ts'
import { useWords } from '../i18n/language.tsx'
import { useSayText } from '../i18n/speech.ts'
import { Drift } from '../models/drift.tsx'
import { FailuresProposed } from '../models/known-failures.tsx'
import { IntactMark, JobMark, StageMark } from '../models/model-marks.tsx'
import { Unjudged } from '../models/unjudged.tsx'
import { Answer, Nothing } from '../parts/answer.tsx'
import { Facts } from '../parts/facts.tsx'
import { Go } from '../parts/go.tsx'

export function ModelCard({ asset }: { asset: AssetDetail }) {
  const { t } = useWords()
  const sayText = useSayText(asset.site)
  const found = useAssetModels(asset.id)
  return (
    <Stack gap="xs">
      {asset.model ? (
        <>
          <ModelInUse asset={asset} model={asset.model} />
          <Filled names={asset.model.filled} />
        </>
      ) : (
        <Nothing>{t('model.none')}</Nothing>
      )}
      <Answer query={found}>
        {({ models, drift, unjudged, job }) => {
          const broken = models.find(({ intact, stage }) => !intact && stage !== 'retired')
          return (
            <>
              {broken && <IntactMark model={broken} />}
              <Unjudged unjudged={unjudged} asset={asset} />
              {drift && <Drift drift={drift} asset={asset} />}
              {job && job.state !== 'done' && (
                <span className="marks">
                  <JobMark state={job.state} />
                  <Text component="span" size="sm">
                    {sayText(job.phase)}
                  </Text>
                </span>
              )}
            </>
          )
        }}
      </Answer>
      <FailuresProposed asset={asset.id} />
      <Go to={`/assets/${encodeURIComponent(asset.id)}/models`}>{t('models.link')}</Go>
    </Stack>
  )
}

interface ModelInUseProps {
  asset: AssetDetail
  model: NonNullable<AssetDetail['model']>
}

function ModelInUse({ asset, model }: ModelInUseProps) {
  const { t, language } = useWords()
  const versions = useAssetModels(asset.id).data?.models ?? []
  // Two versions may have one file.
  const version = versions.find(
    (one) => one.sha256 === model.sha256 && String(one.version) === model.version,
  )
  return (
    <Facts
      facts={[
        [t('model.name'), t('model.name-version', { name: model.name, version: model.version })],
        ...(version
          ? [[t('model.stage'), <StageMark key="stage" stage={version.stage} />] as const]
          : []),
        [t('model.rows'), formatNumber(model.trainedRows, language)],
        [t('model.threshold'), formatNumber(model.threshold, language)],
        [t('model.meaning'), t('model.meaning-text')],
      ]}
    />
  )
}

/** Nobody should take a partly guessed score for a full one. */
function Filled({ names }: { names: readonly string[] }) {
  const { t } = useWords()
  const tags = names.join(t('said.between'))
  const key = names.length === 1 ? 'model.filled-one' : 'model.filled'
  return (
    <Text size="sm" role="status">
      {names.length > 0 && t(key, { count: names.length, tags })}
    </Text>
  )
}
