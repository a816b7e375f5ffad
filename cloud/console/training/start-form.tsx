/** Starts a training on the chosen periods: whether they are enough, which tags are left out, a note. */
import { MultiSelect, Text } from '@mantine/core'
import { useState } from 'react'
import { useSearch } from 'wouter'
import type { AssetDetail } from '../../../protocol/api.ts'
import type { Period, TrainingProposal } from '../../../protocol/api-models.ts'
import { startTraining } from '../api/model-client.ts'
import { useAssetModels } from '../api/model-queries.ts'
import { useWhyNot } from '../api/permission.tsx'
import { useChange } from '../api/queries.ts'
import { formatNumber } from '../i18n/format.ts'
import { useWords } from '../i18n/language.tsx'
import { useSayText } from '../i18n/speech.ts'
import { Form } from '../parts/form.tsx'
import { Mark } from '../parts/mark.tsx'
import { WordsField } from '../parts/words-field.tsx'
import { ModeChoice } from './mode-choice.tsx'
import { countRows } from './period-rows.ts'

interface StartFormProps {
  asset: AssetDetail
  proposal: TrainingProposal
  /** Null: a field is not filled in. */
  periods: readonly Period[] | null
  /** The person has changed the proposal: how many rows there are is then only an estimate. */
  edited: boolean
  busy: boolean
}

export function StartForm({ asset, proposal, periods, edited, busy }: StartFormProps) {
  const { t, language } = useWords()
  const whyNot = useWhyNot()
  const asked = new URLSearchParams(useSearch()).getAll('without')
  const [without, setWithout] = useState(() => chooseWithout(asset, proposal, asked))
  const [note, setNote] = useState('')
  const { modeTag, setModeTag, offered } = useModeTag(asset.id, proposal)
  const change = useChange((chosen: Period[]) =>
    startTraining(asset.id, {
      periods: chosen,
      periodMs: proposal.periodMs,
      ...(without.length > 0 && { without }),
      ...(modeTag !== undefined && { modeTag: modeTag || null }),
      ...(note !== '' && { note }),
    }),
  )
  const { rowsWanted: wanted, periodMs } = proposal
  const rows = edited ? countRows(periods ?? [], periodMs) : proposal.rows
  const enough = edited ? rows >= wanted : proposal.enough
  const count = { rows: formatNumber(rows, language), wanted: formatNumber(wanted, language) }
  const none = periods?.length === 0 ? t('training.no-period') : null
  const wrong = none ?? (periods === null ? t('training.bad-period') : null)
  const why =
    (busy ? t('training.busy') : null) ?? wrong ?? (enough ? null : t('training.not-enough'))
  return (
    <Form
      change={change}
      submit={t('training.submit')}
      why={why ?? whyNot('model.train')}
      onSubmit={() => change.mutate([...(periods ?? [])])}
    >
      <div>
        <Mark tone={enough ? 'good' : 'warn'}>
          {t(enough ? 'training.enough' : 'training.not-enough')}
        </Mark>
        <Text size="sm" className="number">
          {t(edited ? 'training.rows-about' : 'training.rows', count)}
        </Text>
      </div>
      <MultiSelect
        label={t('training.without')}
        searchable
        nothingFoundMessage={t('training.without-none')}
        data={asset.tags.map(({ name }) => name)}
        value={without}
        onChange={setWithout}
      />
      <LeftOut proposal={proposal} site={asset.site} />
      {modeTag !== undefined && (
        <ModeChoice offered={offered} value={modeTag} onChange={setModeTag} />
      )}
      <WordsField label={t('training.note')} minLength={0} value={note} onChange={setNote} />
    </Form>
  )
}

/** What the system proposes to leave out, and what the link to this page asks for. */
function chooseWithout(
  { tags }: AssetDetail,
  { without = [] }: TrainingProposal,
  asked: readonly string[],
): string[] {
  const own = new Set(tags.map(({ name }) => name))
  const named = [...without.map(({ name }) => name), ...asked.filter((name) => own.has(name))]
  return [...new Set(named)]
}

/** The choice begins with what the version in use goes by; undefined where there is nothing to choose. */
function useModeTag(asset: string, { modeTags: offered = [] }: TrainingProposal) {
  const models = useAssetModels(asset).data?.models
  const active = models?.find(({ kind, stage }) => kind === 'multivariate' && stage === 'active')
  const [chosen, setModeTag] = useState<string>()
  const usual = active?.modes?.tag ?? ''
  const isChoice = offered.length > 0 || usual !== ''
  return { modeTag: isChoice ? (chosen ?? usual) : undefined, setModeTag, offered }
}

/** Why the system proposes to leave tags out. */
function LeftOut({ proposal, site }: { proposal: TrainingProposal; site: string }) {
  const sayText = useSayText(site)
  if (!proposal.without?.length) return null
  return (
    <ul className="lines">
      {proposal.without.map(({ name, reason }) => (
        <li key={name}>
          <Text size="xs" c="dimmed">
            {name}: {sayText(reason)}
          </Text>
        </li>
      ))}
    </ul>
  )
}
