/** Enters planned maintenance: what is worked on, from when to when on the clock of the site, and what is done. */
import { NativeSelect, Text, TextInput } from '@mantine/core'
import { useState } from 'react'
import { enterMaintenance } from '../api/maintenance-client.ts'
import { useWhyNot } from '../api/permission.tsx'
import { useChange, useFleet } from '../api/queries.ts'
import type { MessageKey } from '../i18n/en.ts'
import { useWords } from '../i18n/language.tsx'
import { usePlace } from '../i18n/place.ts'
import { FormDialog } from '../parts/form.tsx'
import { useNow } from '../parts/now.ts'
import { WordsField } from '../parts/words-field.tsx'
import { freshFields, readFields, type WindowFields } from './window-fields.ts'

interface Target {
  value: string
  label: string
  site: string
  /** Null: the whole site. */
  asset: string | null
}

/** Each site with its machines; of one asset only itself and its site. */
function useTargets(only?: string): { group: string; items: Target[] }[] {
  const { t } = useWords()
  const fleet = useFleet()
  return (fleet.data?.sites ?? []).flatMap(({ id: site, name, assets }) => {
    const own = assets.filter(({ id }) => only === undefined || id === only)
    if (own.length === 0 && only !== undefined) return []
    const machines = own.map(({ id, name: label }) => {
      return { value: `${site}/${id}`, label, site, asset: id }
    })
    const whole = { value: site, label: t('work.of-site', { site: name }), site, asset: null }
    return [{ group: name, items: [...machines, whole] }]
  })
}

/** `asset`: of this machine, or of its site. */
export function WindowForm({ asset }: { asset?: string }) {
  const { t } = useWords()
  const whyNot = useWhyNot()
  const targets = useTargets(asset)
  const all = targets.flatMap(({ items }) => items)
  const [chosen, setChosen] = useState<string | null>(null)
  const target = all.find(({ value }) => value === chosen) ?? all[0]
  const { timeZone } = usePlace(target?.site)
  const now = useNow()
  const [edited, setEdited] = useState<WindowFields | null>(null)
  const fields = edited ?? freshFields(now, timeZone)
  const { span, problem } = readFields(fields, timeZone)
  const [text, setText] = useState('')
  const enter = useChange(enterMaintenance)
  return (
    <FormDialog
      title={t('work.plan')}
      submit={t('work.plan-submit')}
      why={whyNot('maintenance.plan')}
      change={enter}
      onSubmit={({ onSuccess }) => {
        if (!span || !target) return
        const { site, asset: machine } = target
        const done = () => {
          setEdited(null)
          setText('')
          onSuccess()
        }
        enter.mutate({ site, asset: machine, ...span, text }, { onSuccess: done })
      }}
    >
      <Text size="sm">{t('work.plan-text')}</Text>
      <NativeSelect
        label={t('work.where')}
        value={target?.value ?? ''}
        onChange={(event) => setChosen(event.currentTarget.value)}
        data={targets.map(({ group, items }) => ({
          group,
          items: items.map(({ value, label }) => ({ value, label })),
        }))}
      />
      <SpanFields fields={fields} problem={problem} timeZone={timeZone} onChange={setEdited} />
      <WordsField label={t('work.what')} maxLength={500} value={text} onChange={setText} />
    </FormDialog>
  )
}

interface SpanFieldsProps {
  fields: WindowFields
  problem: MessageKey | null
  timeZone: string | undefined
  onChange: (next: WindowFields) => void
}

function SpanFields({ fields, problem, timeZone, onChange }: SpanFieldsProps) {
  const { t } = useWords()
  return (
    <>
      <WallField
        label={t('work.from')}
        value={fields.from}
        onChange={(from) => onChange({ ...fields, from })}
      />
      <WallField
        label={t('work.to')}
        value={fields.to}
        error={problem && t(problem)}
        onChange={(to) => onChange({ ...fields, to })}
      />
      {timeZone && (
        <Text size="xs" c="dimmed">
          {t('work.zone', { zone: timeZone })}
        </Text>
      )}
    </>
  )
}

interface WallFieldProps {
  label: string
  value: string
  error?: string | null
  onChange: (next: string) => void
}

export function WallField({ label, value, error = null, onChange }: WallFieldProps) {
  return (
    <TextInput
      type="datetime-local"
      step={1}
      required
      label={label}
      value={value}
      error={error}
      onChange={(event) => onChange(event.currentTarget.value)}
    />
  )
}
