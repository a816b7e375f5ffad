/** A titled block of a page. */
import { Group, Paper, Title } from '@mantine/core'
import { type ReactNode, useId } from 'react'

interface PanelProps {
  title: string
  side?: ReactNode
  children: ReactNode
  className?: string
}

export function Panel({ title, side, children, className }: PanelProps) {
  const id = useId()
  return (
    <Paper
      component="section"
      withBorder
      aria-labelledby={id}
      className={className ? `panel ${className}` : 'panel'}
    >
      <Group justify="space-between" gap="xs" mb={6}>
        <Title order={2} id={id} size="h6">
          {title}
        </Title>
        {side}
      </Group>
      {children}
    </Paper>
  )
}
