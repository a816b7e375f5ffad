/** What is known of a version: where from, by whom, from which data, how it was checked. */
import type { ModelVersionView } from '../../../protocol/api-models.ts'
import { formatNumber, formatPeriod, formatShare } from '../i18n/format.ts'
import { useWords } from '../i18n/language.tsx'
import { useSayText } from '../i18n/speech.ts'
import { Facts } from '../parts/facts.tsx'
import { TagName } from '../parts/tag-name.tsx'
import { When } from '../parts/when.tsx'
import { ModeList } from './mode-list.tsx'
import { IntactMark } from './model-marks.tsx'

/** Metrics that people know by name; the value says how they are written. */
const known = {
  heldOutFalseShare: 'share',
  ownHistoryAboveShare: 'share',
  normalAboveShare: 'share',
  blocks: 'number',
  lowestBlockQuantile: 'number',
  highestBlockQuantile: 'number',
  cvAccuracy: 'share',
  cvRMSE: 'number',
  coverage90: 'share',
  majority: 'share',
  cases: 'number',
  right: 'number',
  unseen: 'number',
  unseenNamed: 'number',
  normalNamed: 'number',
} as const
const isKnown = (name: string): name is keyof typeof known => name in known

function Metrics({ metrics }: { metrics: ModelVersionView['metrics'] }) {
  const { t, language } = useWords()
  return (
    <ul className="lines">
      {Object.entries(metrics).map(([name, value]) => (
        <li key={name}>
          {isKnown(name) ? t(`metric.${name}`) : <code>{name}</code>}
          {': '}
          <span className="number">
            {isKnown(name) && known[name] === 'share'
              ? formatShare(value, language)
              : formatNumber(value, language)}
          </span>
        </li>
      ))}
    </ul>
  )
}

function Tags({ model }: { model: ModelVersionView }) {
  return (
    <ul className="names">
      {model.tags.map((tag) => (
        <li key={tag}>
          <TagName asset={model.asset} tag={tag} />
        </li>
      ))}
    </ul>
  )
}

function Periods({ model }: { model: ModelVersionView }) {
  const { t } = useWords()
  if (model.periods.length === 0) return t('model.periods-unknown')
  return (
    <ul className="lines">
      {model.periods.map(({ from, to }) => (
        <li key={from}>
          <When at={from} site={model.site} style="moment" /> –{' '}
          <When at={to} site={model.site} style="moment" />
        </li>
      ))}
    </ul>
  )
}

/** Since when it is in its stage, by whom, and why. */
function StageChange({
  model,
  change,
}: {
  model: ModelVersionView
  change: NonNullable<ModelVersionView['stageChange']>
}) {
  const { t } = useWords()
  const sayText = useSayText(model.site)
  return (
    <>
      <When at={change.at} site={model.site} style="moment" /> ·{' '}
      {t('stage.by', { person: change.by })} · {sayText(change.reason)}
    </>
  )
}

/** `whole`: with the hashes and the names of the tags. */
export function ModelFacts({ model, whole = false }: { model: ModelVersionView; whole?: boolean }) {
  const { t, language } = useWords()
  const { trainedRows, periodMs, threshold } = model
  const rows =
    trainedRows === null
      ? t('model.periods-unknown')
      : t(model.kind === 'failures' ? 'failures.windows' : 'model.rows-of', {
          rows: formatNumber(trainedRows, language),
          period: formatPeriod(periodMs, language),
        })
  const tags = whole ? <Tags model={model} /> : t('model.tags-count', { count: model.tags.length })
  return (
    <Facts
      facts={[
        [t('model.kind'), t(`model-kind.${model.kind}`)],
        [
          t('model.source'),
          `${t(`source.${model.source}`)} · ${t('model.made-by', { person: model.createdBy })}`,
        ],
        [t('model.made'), <When key="made" at={model.createdAt} site={model.site} />],
        ...(model.stageChange
          ? [
              [
                t('model.stage'),
                <StageChange key="stage" model={model} change={model.stageChange} />,
              ] as const,
            ]
          : []),
        [t('model.periods'), <Periods key="periods" model={model} />],
        [t('model.rows'), rows],
        [t('model.threshold'), threshold === null ? '—' : formatNumber(threshold, language)],
        ...(model.modes
          ? [
              [
                t('mode.by', { tag: model.modes.tag }),
                <ModeList key="modes" modes={model.modes} />,
              ] as const,
            ]
          : []),
        [t('model.tags'), tags],
        ...(model.emptyCells
          ? [[t('model.empty-cells'), t(`empty-cells.${model.emptyCells}`)] as const]
          : []),
        ...(Object.keys(model.metrics).length > 0
          ? [[t('model.metrics'), <Metrics key="m" metrics={model.metrics} />] as const]
          : []),
        [t('model.files'), <IntactMark key="intact" model={model} />],
        ...(whole
          ? ([
              ['SHA-256', <code key="sha">{model.sha256}</code>],
              [t('model.hash'), <code key="data">{model.dataHash ?? '—'}</code>],
            ] as const)
          : []),
      ]}
    />
  )
}
