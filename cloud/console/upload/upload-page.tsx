/** Uploads a model that was trained elsewhere: the ONNX file, its manifest, and normal periods for its limit. */
import { FileInput, Stack, Text } from '@mantine/core'
import { useState } from 'react'
import type { AssetDetail } from '../../../protocol/api.ts'
import type { Period, TrainingProposal, UploadRequest } from '../../../protocol/api-models.ts'
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
import { isLife, maxOnnxBytes, readBase64, readManifest } from './read-files.ts'

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

/** The two files as they were chosen, and what is wrong with them. */
function useChosen() {
  const { t } = useWords()
  const [onnx, setOnnx] = useState<File | null>(null)
  const [manifest, setManifest] = useState<File | null>(null)
  const [content, setContent] = useState<UploadRequest['manifest'] | null>(null)
  const tooLarge = onnx !== null && onnx.size > maxOnnxBytes
  const badManifest = manifest !== null && content === null
  const missing = onnx === null || manifest === null || tooLarge || badManifest
  return {
    ...{ onnx, manifest, setOnnx, tooLarge, badManifest },
    async setManifest(file: File | null) {
      setContent(file && (await readManifest(file)))
      setManifest(file)
    },
    /** No limit is to be found for a remaining life. */
    noLimit: isLife(content),
    why: missing ? t('upload.missing') : null,
  }
}

function UploadForm({ asset, proposal }: UploadFormProps) {
  const { t } = useWords()
  const whyNot = useWhyNot()
  const place = usePlace(asset.site)
  const { timeZone } = place
  const chosen = useChosen()
  const { onnx, manifest, noLimit } = chosen
  const [rows, setRows] = useState(() => rowsOf(proposal.periods, timeZone))
  const upload = useUpload(asset.id)
  const periods = noLimit ? [] : periodsOf(rows, timeZone)
  const noPeriod = periods?.length === 0 && !noLimit ? t('training.no-period') : null
  const badPeriod = periods === null ? t('training.bad-period') : null
  const onSubmit = () => {
    if (onnx && manifest && periods) upload.mutate({ onnx, manifest, periods })
  }
  return (
    <Form
      change={upload}
      submit={t('upload.submit')}
      why={whyNot('model.train') ?? chosen.why ?? noPeriod ?? badPeriod}
      onSubmit={onSubmit}
    >
      <Text size="sm">{t(noLimit ? 'upload.life' : 'upload.text')}</Text>
      <ChosenFiles chosen={chosen} />
      {!noLimit && (
        <>
          <Text size="sm" fw={600}>
            {t('upload.periods')}
          </Text>
          <PeriodFields
            rows={rows}
            onChange={setRows}
            place={place}
            fresh={spanOf([...proposal.periods, ...proposal.excluded], Date.now())}
          />
        </>
      )}
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

function ChosenFiles({ chosen }: { chosen: ReturnType<typeof useChosen> }) {
  const { t } = useWords()
  return (
    <>
      <FileInput
        label={t('upload.onnx')}
        placeholder={t('upload.choose')}
        accept=".onnx"
        value={chosen.onnx}
        onChange={chosen.setOnnx}
        error={chosen.tooLarge && t('upload.too-large')}
      />
      <FileInput
        label={t('upload.manifest')}
        placeholder={t('upload.choose')}
        accept=".json,application/json"
        value={chosen.manifest}
        onChange={(file) => void chosen.setManifest(file)}
        error={chosen.badManifest && t('upload.not-json')}
      />
    </>
  )
}
