/** Uploads a model that was trained elsewhere: the ONNX file, its manifest, and normal periods for its limit. */
import { FileInput, Stack, Text } from '@mantine/core'
import { useState } from 'react'
import type { AssetDetail } from '../../../protocol/api.ts'
import type { Period, TrainingProposal } from '../../../protocol/api-models.ts'
import { uploadModel } from '../api/model-client.ts'
import { useTrainingProposal } from '../api/model-queries.ts'
import { useWhyNot } from '../api/permission.tsx'
import { useAsset, useChange, useFleet } from '../api/queries.ts'
import { useWords } from '../i18n/language.tsx'
import { usePlace } from '../i18n/place.ts'
import { Answer } from '../parts/answer.tsx'
import { Form } from '../parts/form.tsx'
import { Go } from '../parts/go.tsx'
import { Page } from '../parts/page.tsx'
import { Panel } from '../parts/panel.tsx'
import { PeriodFields } from '../training/period-fields.tsx'
import { periodsOf, rowsOf, spanOf } from '../training/period-rows.ts'
import { maxOnnxBytes, readBase64, readManifest } from './read-files.ts'

export function UploadPage({ asset: id }: { asset: string }) {
  const { t } = useWords()
  const asset = useAsset(id)
  const proposal = useTrainingProposal(id, null)
  const fleet = useFleet()
  return (
    <Answer query={asset}>
      {(detail) => (
        <Page title={t('upload.title', { asset: detail.name })}>
          <Text size="sm">
            <Go to={`/assets/${encodeURIComponent(id)}/models`}>{t('models.link')}</Go>
          </Text>
          <Panel title={t('models.upload')}>
            {/* the fields are in the site's time, which comes with the fleet */}
            <Answer query={fleet}>
              {() => (
                <Answer query={proposal}>
                  {(found) => <UploadForm asset={detail} proposal={found} />}
                </Answer>
              )}
            </Answer>
          </Panel>
        </Page>
      )}
    </Answer>
  )
}

/** Reads both files and sends them. */
function useUpload(asset: string) {
  return useChange(async (wish: { onnx: File; manifest: File; periods: Period[] }) => {
    const manifest = await readManifest(wish.manifest)
    // The form has looked at it already; a file may change between two looks.
    if (!manifest) throw new TypeError(wish.manifest.name)
    const onnxBase64 = await readBase64(wish.onnx)
    return uploadModel(asset, { manifest, onnxBase64, periods: wish.periods })
  })
}

interface UploadFormProps {
  asset: AssetDetail
  proposal: TrainingProposal
}

function UploadForm({ asset, proposal }: UploadFormProps) {
  const { t } = useWords()
  const whyNot = useWhyNot()
  const place = usePlace(asset.site)
  const { timeZone } = place
  const [onnx, setOnnx] = useState<File | null>(null)
  const [manifest, setManifest] = useState<File | null>(null)
  const [badManifest, setBadManifest] = useState(false)
  const [rows, setRows] = useState(() => rowsOf(proposal.periods, timeZone))
  const upload = useUpload(asset.id)
  const periods = periodsOf(rows, timeZone)
  const tooLarge = onnx !== null && onnx.size > maxOnnxBytes
  const chooseManifest = async (file: File | null) => {
    setManifest(file)
    setBadManifest(file !== null && (await readManifest(file)) === null)
  }
  const missing = onnx === null || manifest === null || tooLarge || badManifest
  const noPeriod = periods?.length === 0 ? t('training.no-period') : null
  const badPeriod = periods === null ? t('training.bad-period') : null
  const why = (missing ? t('upload.missing') : null) ?? noPeriod ?? badPeriod
  const onSubmit = () => {
    if (onnx && manifest && periods) upload.mutate({ onnx, manifest, periods })
  }
  return (
    <Form
      change={upload}
      submit={t('upload.submit')}
      why={whyNot('model.train') ?? why}
      onSubmit={onSubmit}
    >
      <Text size="sm">{t('upload.text')}</Text>
      <FileInput
        label={t('upload.onnx')}
        placeholder={t('upload.choose')}
        accept=".onnx"
        value={onnx}
        onChange={setOnnx}
        error={tooLarge && t('upload.too-large')}
      />
      <FileInput
        label={t('upload.manifest')}
        placeholder={t('upload.choose')}
        accept=".json,application/json"
        value={manifest}
        onChange={(file) => void chooseManifest(file)}
        error={badManifest && t('upload.not-json')}
      />
      <Text size="sm" fw={600}>
        {t('upload.periods')}
      </Text>
      <PeriodFields
        rows={rows}
        onChange={setRows}
        place={place}
        fresh={spanOf([...proposal.periods, ...proposal.excluded], Date.now())}
      />
      {upload.data && (
        <Stack gap={0} role="status">
          <Text size="sm" fw={600}>
            {t('upload.done', { version: upload.data.version })}
          </Text>
          <Go to={`/models/${encodeURIComponent(upload.data.id)}`}>{t('training.to-version')}</Go>
        </Stack>
      )}
    </Form>
  )
}
