/** What stands where an answer is expected: loading, refused, empty, or the answer itself. */
import { Alert, Button, Group, Loader, Text } from '@mantine/core'
import { IconAlertTriangle } from '@tabler/icons-react'
import type { UseQueryResult } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { ApiFailure } from '../api/failure.ts'
import { useWords } from '../i18n/language.tsx'

/** The server's own sentence where it sent one. */
export function Problem({ error, again }: { error: Error; again?: () => void }) {
  const { t } = useWords()
  const silent = error instanceof ApiFailure && error.status === 0
  const code = error instanceof ApiFailure ? error.problem?.code : undefined
  return (
    <Alert role="alert" className="problem" icon={<IconAlertTriangle aria-hidden="true" />} p="xs">
      <Text size="sm" fw={600}>
        {silent ? t('problem.silent') : error.message}
      </Text>
      {code && (
        <Text size="xs" c="dimmed" ff="monospace">
          {code}
        </Text>
      )}
      {again && (
        <Button variant="default" mt="xs" onClick={again}>
          {t('problem.again')}
        </Button>
      )}
    </Alert>
  )
}

export function Waiting() {
  const { t } = useWords()
  return (
    <Group gap="xs" p="xs" role="status">
      <Loader size="xs" type="dots" aria-hidden="true" />
      <Text size="sm" c="dimmed">
        {t('loading')}
      </Text>
    </Group>
  )
}

export function Nothing({ children }: { children: ReactNode }) {
  return (
    <Text size="sm" c="dimmed" p="xs">
      {children}
    </Text>
  )
}

interface AnswerProps<Data> {
  query: UseQueryResult<Data, Error>
  children: (data: Data) => ReactNode
}

/** Old data stays in view while a newer answer is awaited or refused: the banner says the connection is lost. */
export function Answer<Data>({ query, children }: AnswerProps<Data>) {
  if (query.data !== undefined) return children(query.data)
  if (query.error) return <Problem error={query.error} again={() => void query.refetch()} />
  return <Waiting />
}
