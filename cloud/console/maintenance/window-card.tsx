/** One planned maintenance: what, where, when, by whom; and what may be done with it now. */
import { Group, Text } from '@mantine/core'
import { useState } from 'react'
import type { MaintenanceWindow } from '../../../protocol/api-maintenance.ts'
import type { MaintenanceState } from '../../../protocol/states.ts'
import { cancelMaintenance, endMaintenance, extendMaintenance } from '../api/maintenance-client.ts'
import { useWhyNot } from '../api/permission.tsx'
import { useChange, useFleet } from '../api/queries.ts'
import { formatDuration } from '../i18n/format.ts'
import { useWords } from '../i18n/language.tsx'
import { usePlace } from '../i18n/place.ts'
import { formatWall, parseWall } from '../i18n/wall-clock.ts'
import { ActButton } from '../parts/act-button.tsx'
import { Problem } from '../parts/answer.tsx'
import { FormDialog } from '../parts/form.tsx'
import { Go } from '../parts/go.tsx'
import { Mark, type Tone } from '../parts/mark.tsx'
import { When } from '../parts/when.tsx'
import { WordsField } from '../parts/words-field.tsx'
import { WallField } from './window-form.tsx'

const tones = {
  planned: 'idle',
  running: 'info',
  over: 'good',
  cancelled: 'idle',
} as const satisfies Record<MaintenanceState, Tone>

interface WindowProps {
  window: MaintenanceWindow
}

/** The machine with a link, or the site. */
function Where({ window }: WindowProps) {
  const { t } = useWords()
  const fleet = useFleet()
  const name = fleet.data?.sites.find(({ id }) => id === window.site)?.name ?? window.site
  if (window.asset === null) return t('work.of-site', { site: name })
  return (
    <>
      <Go to={`/assets/${encodeURIComponent(window.asset)}`}>{window.assetName ?? window.asset}</Go>
      {` · ${name}`}
    </>
  )
}

/** Who did what with it; each part stands when it is so. */
function Record({ window }: WindowProps) {
  const { t } = useWords()
  const { site, enteredBy, enteredAt, endedBy, endedAt, cancelledBy, cancelledAt } = window
  const parts: ['work.entered' | 'work.ended-early' | 'work.cancelled-by', string, number][] = []
  parts.push(['work.entered', enteredBy, enteredAt])
  if (endedBy !== null && endedAt !== null) parts.push(['work.ended-early', endedBy, endedAt])
  if (cancelledBy !== null && cancelledAt !== null)
    parts.push(['work.cancelled-by', cancelledBy, cancelledAt])
  return (
    <Text size="xs" c="dimmed" component="div" className="times">
      {parts.map(([key, person, at]) => {
        const [before = '', after = ''] = t(key, { person }).split('{time}')
        return (
          <span key={key}>
            {before}
            <When at={at} site={site} style="moment" />
            {after}
          </span>
        )
      })}
    </Text>
  )
}

export function WindowCard({ window }: WindowProps) {
  const { t, language } = useWords()
  const { site, state, from, to, endedAt, text, afterwards } = window
  const end = endedAt ?? to
  return (
    <article className="card" data-work={state} aria-label={text}>
      <header>
        <span>
          <Where window={window} />
        </span>
        <span className="marks">
          <Mark tone={tones[state]}>{t(`work.state.${state}`)}</Mark>
          {afterwards && <Mark tone="idle">{t('work.afterwards')}</Mark>}
        </span>
      </header>
      <Text fw={600} size="sm">
        {text}
      </Text>
      <Text size="sm" component="div">
        <When at={from} site={site} style="moment" /> – <When at={end} site={site} style="moment" />{' '}
        ({formatDuration(end - from, language)})
      </Text>
      <Record window={window} />
      <WindowActs window={window} />
    </article>
  )
}

function WindowActs({ window }: WindowProps) {
  const { state, afterwards } = window
  if (state === 'running')
    return (
      <Group gap="xs">
        <EndButton window={window} />
        <ExtendForm window={window} />
      </Group>
    )
  const mayCancel = state === 'planned' || (state === 'over' && afterwards)
  if (!mayCancel) return null
  return (
    <Group gap="xs">
      <CancelForm window={window} />
    </Group>
  )
}

function EndButton({ window }: WindowProps) {
  const { t } = useWords()
  const whyNot = useWhyNot()
  const end = useChange(() => endMaintenance(window.id))
  return (
    <>
      <ActButton
        variant="default"
        why={whyNot('maintenance.plan')}
        loading={end.isPending}
        aria-label={t('work.end-of', { text: window.text })}
        onClick={() => end.mutate(undefined)}
      >
        {t('work.end')}
      </ActButton>
      {end.error && <Problem error={end.error} />}
    </>
  )
}

const hour = 3_600_000

function ExtendForm({ window }: WindowProps) {
  const { t } = useWords()
  const whyNot = useWhyNot()
  const { timeZone } = usePlace(window.site)
  const [edited, setEdited] = useState<string | null>(null)
  const value = edited ?? formatWall(window.to + hour, timeZone)
  const to = parseWall(value, timeZone)
  const isLater = to !== null && to > window.to
  const extend = useChange((until: number) => extendMaintenance(window.id, { to: until }))
  return (
    <FormDialog
      title={t('work.extend')}
      about={window.text}
      submit={t('work.extend')}
      why={whyNot('maintenance.plan')}
      change={extend}
      onSubmit={({ onSuccess }) => {
        if (!isLater) return
        const done = () => {
          setEdited(null)
          onSuccess()
        }
        extend.mutate(to, { onSuccess: done })
      }}
    >
      <WallField
        label={t('work.extend-to')}
        value={value}
        error={to !== null && !isLater ? t('work.bad-span') : null}
        onChange={setEdited}
      />
    </FormDialog>
  )
}

function CancelForm({ window }: WindowProps) {
  const { t } = useWords()
  const whyNot = useWhyNot()
  const [reason, setReason] = useState('')
  const cancel = useChange(() => cancelMaintenance(window.id, { reason }))
  return (
    <FormDialog
      title={t('work.cancel')}
      about={window.text}
      submit={t('work.cancel-submit')}
      why={whyNot('maintenance.plan')}
      change={cancel}
      onSubmit={(done) => cancel.mutate(undefined, done)}
    >
      <WordsField label={t('reason')} maxLength={500} value={reason} onChange={setReason} />
    </FormDialog>
  )
}
