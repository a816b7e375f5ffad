/** The normal periods as fields: from and to of each, to remove one, to add one. */
import { Button, Group, Stack, Text, TextInput } from '@mantine/core'
import type { Period } from '../../../protocol/api-models.ts'
import { formatDuration, formatInstant, type Place } from '../i18n/format.ts'
import { useWords } from '../i18n/language.tsx'
import { Nothing } from '../parts/answer.tsx'
import { addRow, type PeriodRow, periodOf } from './period-rows.ts'

interface PeriodFieldsProps {
  rows: readonly PeriodRow[]
  onChange: (next: PeriodRow[]) => void
  place: Place
  /** What a new row holds to begin with. */
  fresh: Period
}

export function PeriodFields({ rows, onChange, place, fresh }: PeriodFieldsProps) {
  const { t } = useWords()
  const replace = (next: PeriodRow) =>
    onChange(rows.map((row) => (row.key === next.key ? next : row)))
  return (
    <Stack gap="xs">
      {rows.length === 0 && <Nothing>{t('training.no-period')}</Nothing>}
      {rows.map((row, index) => (
        <PeriodRowFields
          key={row.key}
          row={row}
          number={index + 1}
          place={place}
          onChange={replace}
          onRemove={() => onChange(rows.filter(({ key }) => key !== row.key))}
        />
      ))}
      <Group>
        <Button variant="default" onClick={() => onChange(addRow(rows, fresh, place.timeZone))}>
          {t('training.add')}
        </Button>
      </Group>
    </Stack>
  )
}

interface PeriodRowFieldsProps {
  row: PeriodRow
  number: number
  place: Place
  onChange: (next: PeriodRow) => void
  onRemove: () => void
}

function PeriodRowFields({ row, number, place, onChange, onRemove }: PeriodRowFieldsProps) {
  const { t } = useWords()
  const period = periodOf(row, place.timeZone)
  const field = (end: 'from' | 'to') => (
    <TextInput
      type="datetime-local"
      step={1}
      required
      label={t(`training.${end}`)}
      value={row[end]}
      error={period === null && end === 'to'}
      onChange={(event) => onChange({ ...row, [end]: event.currentTarget.value })}
    />
  )
  return (
    <fieldset className="period">
      <legend>
        {t('training.period', { number })}
        {period && (
          <span className="period-words">
            {' · '}
            {formatInstant(period.from, 'moment', place)} –{' '}
            {formatInstant(period.to, 'moment', place)} (
            {formatDuration(period.to - period.from, place.language)})
          </span>
        )}
      </legend>
      {field('from')}
      {field('to')}
      <Button variant="default" onClick={onRemove}>
        {t('training.remove', { number })}
      </Button>
      {period === null && (
        <Text size="sm" data-tone="bad" role="alert">
          {t('training.bad-period')}
        </Text>
      )}
    </fieldset>
  )
}
