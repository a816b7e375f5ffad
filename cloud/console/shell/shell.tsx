/** What surrounds every page: name, navigation, person, and the banner of a lost connection. */
import { AppShell, Burger, Button, Group, NavLink, Stack, Text } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import {
  IconAlertTriangle,
  IconBriefcase,
  IconBuildingFactory2,
  IconChartDots,
  IconDeviceDesktopShare,
  IconListDetails,
  IconTool,
} from '@tabler/icons-react'
import { useQueryClient } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { Link, useLocation } from 'wouter'
import { logout } from '../api/client.ts'
import { useMe } from '../api/permission.tsx'
import { useAlarms, useChange, useSessions } from '../api/queries.ts'
import { useWords } from '../i18n/language.tsx'
import { LostBanner } from './lost-banner.tsx'
import { Switches } from './switches.tsx'

const places = [
  { path: '/', words: 'nav.fleet', icon: IconBuildingFactory2 },
  { path: '/alarms', words: 'nav.alarms', icon: IconAlertTriangle },
  { path: '/cases', words: 'nav.cases', icon: IconBriefcase },
  { path: '/maintenance', words: 'nav.maintenance', icon: IconTool },
  { path: '/sessions', words: 'nav.sessions', icon: IconDeviceDesktopShare },
  { path: '/models', words: 'nav.models', icon: IconChartDots },
  { path: '/audit', words: 'nav.audit', icon: IconListDetails },
] as const

function isHere(place: string, path: string): boolean {
  return place === '/' ? path === '/' || path.startsWith('/assets/') : path.startsWith(place)
}

function Navigation({ onGo }: { onGo: () => void }) {
  const { t } = useWords()
  const [path] = useLocation()
  const alarms = useAlarms('open')
  const sessions = useSessions('open')
  const counts: Partial<Record<(typeof places)[number]['path'], number>> = {
    // ISA-18.2: what is out of service is in no count of alarms.
    '/alarms': alarms.data?.alarms.filter(
      ({ state, outOfService }) => state.startsWith('active') && !outOfService,
    ).length,
    '/sessions': sessions.data?.sessions.filter(({ state }) => state === 'requested').length,
  }
  return places.map(({ path: place, words, icon: Icon }) => {
    const count = counts[place] ?? 0
    return (
      <NavLink
        key={place}
        component={Link}
        href={place}
        active={isHere(place, path)}
        aria-current={isHere(place, path) ? 'page' : undefined}
        label={t(words)}
        leftSection={<Icon size={17} aria-hidden="true" />}
        rightSection={
          count > 0 && (
            <span className="count" title={t(place === '/alarms' ? 'nav.active' : 'nav.waiting')}>
              {count}
            </span>
          )
        }
        onClick={onGo}
      />
    )
  })
}

function Person() {
  const { t } = useWords()
  const me = useMe()
  const queries = useQueryClient()
  const leave = useChange(logout)
  const onLogout = () =>
    leave.mutate(undefined, {
      onSuccess: () => {
        queries.clear()
        queries.setQueryData(['me'], null)
        window.location.assign('/login')
      },
    })
  return (
    <Stack gap={6} className="person">
      <Text size="sm" fw={600}>
        {me.name}
      </Text>
      <Text size="xs" c="dimmed">
        {t(`role.${me.role}`)}
        {me.sites.length > 0 &&
          ` · ${me.sites.includes('*') ? t('person.all-sites') : me.sites.join(', ')}`}
      </Text>
      <Button variant="default" onClick={onLogout} loading={leave.isPending}>
        {t('logout')}
      </Button>
    </Stack>
  )
}

export function Shell({ children }: { children: ReactNode }) {
  const { t } = useWords()
  const [open, { toggle, close }] = useDisclosure(false)
  return (
    <AppShell
      header={{ height: 46 }}
      navbar={{ width: 190, breakpoint: 'sm', collapsed: { mobile: !open } }}
      padding="sm"
    >
      <AppShell.Header className="header">
        <a className="skip" href="#content">
          {t('skip')}
        </a>
        <Group gap="xs" wrap="nowrap">
          <Burger
            opened={open}
            onClick={toggle}
            hiddenFrom="sm"
            size="sm"
            aria-label={t(open ? 'menu.close' : 'menu.open')}
            aria-expanded={open}
          />
          <Text fw={700} className="brand">
            Mimamori
          </Text>
        </Group>
        <Switches />
      </AppShell.Header>
      <AppShell.Navbar p={6} aria-label={t('nav')}>
        <Stack gap={0} flex={1}>
          <Navigation onGo={close} />
        </Stack>
        <Person />
      </AppShell.Navbar>
      <AppShell.Main id="content" tabIndex={-1}>
        <LostBanner />
        {children}
      </AppShell.Main>
    </AppShell>
  )
}
