/** Which model watches the asset, in the few facts that let one trust it or not. */
import type { AssetDetail } from '../../../protocol/api.ts'
import { formatNumber } from '../i18n/format.ts'
import { useWords } from '../i18n/language.tsx'
import { Nothing } from '../parts/answer.tsx'
import { Facts } from '../parts/facts.tsx'

export function ModelCard({ model }: { model: AssetDetail['model'] }) {
  const { t, language } = useWords()
  if (!model) return <Nothing>{t('model.none')}</Nothing>
  return (
    <Facts
      facts={[
        [t('model.name'), `${model.name} ${model.version}`],
        [t('model.rows'), formatNumber(model.trainedRows, language)],
        [t('model.threshold'), formatNumber(model.threshold, language)],
        [t('model.meaning'), t('model.meaning-text')],
        ['SHA-256', <code key="sha">{model.sha256}</code>],
      ]}
    />
  )
}
