/** Language and colour scheme, both kept in the browser. */
import {
  ActionIcon,
  Button,
  Group,
  useComputedColorScheme,
  useMantineColorScheme,
} from '@mantine/core'
import { IconMoon, IconSun } from '@tabler/icons-react'
import { languages, useWords } from '../i18n/language.tsx'

export function Switches() {
  const { t, language, setLanguage } = useWords()
  const { setColorScheme } = useMantineColorScheme()
  const scheme = useComputedColorScheme('light')
  const other = language === 'en' ? 'ja' : 'en'
  const Icon = scheme === 'dark' ? IconSun : IconMoon
  return (
    <Group gap={6} wrap="nowrap">
      <Button variant="default" lang={other} onClick={() => setLanguage(other)}>
        {languages[other]}
      </Button>
      <ActionIcon
        variant="default"
        size={30}
        aria-label={t(scheme === 'dark' ? 'scheme.light' : 'scheme.dark')}
        onClick={() => setColorScheme(scheme === 'dark' ? 'light' : 'dark')}
      >
        <Icon size={16} aria-hidden="true" />
      </ActionIcon>
    </Group>
  )
}
