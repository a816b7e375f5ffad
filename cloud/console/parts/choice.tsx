/** A choice among a few that all stay in view, with its label. */
import { SegmentedControl, Text } from '@mantine/core'
import { useId } from 'react'

interface ChoiceProps<Value extends string> {
  label: string
  options: readonly { value: Value; label: string }[]
  value: Value
  onChange: (next: Value) => void
}

export function Choice<Value extends string>(props: ChoiceProps<Value>) {
  const { label, options, value, onChange } = props
  const id = useId()
  return (
    <div>
      <Text size="sm" fw={500} id={id}>
        {label}
      </Text>
      <SegmentedControl
        size="xs"
        aria-labelledby={id}
        data={[...options]}
        value={value}
        onChange={onChange}
      />
    </div>
  )
}
