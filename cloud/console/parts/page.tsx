/** The frame of every page: its heading, its place in the browser's title, and what stands beside the heading. */
import { Group, Stack, Title } from '@mantine/core'
import { useDocumentTitle } from '@mantine/hooks'
import type { ReactNode } from 'react'

interface PageProps {
  title: string
  side?: ReactNode
  children: ReactNode
}

export function Page({ title, side, children }: PageProps) {
  useDocumentTitle(`${title} · Mimamori`)
  return (
    <Stack gap="sm">
      <Group justify="space-between" gap="xs" className="page-head">
        <Title order={1} size="h3">
          {title}
        </Title>
        {side && (
          <Group gap="xs" className="page-side">
            {side}
          </Group>
        )}
      </Group>
      {children}
    </Stack>
  )
}
