/** A field for some sentences that stay on record: a reason, a note, a cause. */
import { Textarea } from '@mantine/core'

interface WordsFieldProps {
  label: string
  value: string
  onChange: (next: string) => void
  description?: string
  /** Shorter ones say nothing to the next reader; 0: it may be left empty. */
  minLength?: number
  maxLength?: number
}

export function WordsField(props: WordsFieldProps) {
  const { onChange, minLength = 3, maxLength = 1000, ...field } = props
  return (
    <Textarea
      {...field}
      required={minLength > 0}
      minLength={minLength || undefined}
      maxLength={maxLength}
      autosize
      minRows={2}
      onChange={(event) => onChange(event.currentTarget.value)}
    />
  )
}
