/** The login: two fields, and the server's own words when it says no. */
import { Button, Group, Paper, PasswordInput, Stack, Text, TextInput, Title } from '@mantine/core'
import { useDocumentTitle } from '@mantine/hooks'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { login } from '../api/client.ts'
import { useWords } from '../i18n/language.tsx'
import { Problem } from '../parts/answer.tsx'
import { LostBanner } from '../shell/lost-banner.tsx'
import { Switches } from '../shell/switches.tsx'

export function LoginPage() {
  const { t } = useWords()
  useDocumentTitle(`${t('login.title')} · Mimamori`)
  const queries = useQueryClient()
  const [name, setName] = useState('')
  const [password, setPassword] = useState('')
  const enter = useMutation({
    mutationFn: login,
    onSuccess: (me) => queries.setQueryData(['me'], me),
  })
  const onSubmit = (event: FormEvent) => {
    event.preventDefault()
    enter.mutate({ login: name, password })
  }
  return (
    <main className="login">
      <LostBanner />
      <Paper withBorder className="panel" p="lg" w="100%" maw={360}>
        <Stack gap="sm" component="form" onSubmit={onSubmit}>
          <Group justify="space-between">
            <Title order={1} size="h3">
              Mimamori
            </Title>
            <Switches />
          </Group>
          <Text size="sm" c="dimmed">
            {t('login.text')}
          </Text>
          <TextInput
            label={t('login.name')}
            autoComplete="username"
            autoCapitalize="none"
            spellCheck={false}
            required
            withAsterisk={false}
            maxLength={100}
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
          />
          <PasswordInput
            label={t('login.password')}
            autoComplete="current-password"
            required
            withAsterisk={false}
            maxLength={1000}
            size="sm"
            visibilityToggleButtonProps={{ 'aria-label': t('login.show') }}
            value={password}
            onChange={(event) => setPassword(event.currentTarget.value)}
          />
          {enter.error && <Problem error={enter.error} />}
          <Button type="submit" size="sm" loading={enter.isPending}>
            {t('login.enter')}
          </Button>
        </Stack>
      </Paper>
    </main>
  )
}
