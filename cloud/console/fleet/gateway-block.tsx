/** One gateway: whether it is heard, its tunnel, its devices with the quality of their tags, and the gaps it reported. */
import { Group, Table, Text } from '@mantine/core'
import type { DeviceView, GatewayView } from '../../../protocol/api.ts'
import { configPath } from '../api/gateway-client.ts'
import { GatewayCertificate } from '../gateway/certificate.tsx'
import { formatDuration } from '../i18n/format.ts'
import { useWords } from '../i18n/language.tsx'
import { Go } from '../parts/go.tsx'
import { Mark } from '../parts/mark.tsx'
import { Since, When } from '../parts/when.tsx'
import { WideTable } from '../parts/wide-table.tsx'

function DeviceRow({
  device,
  site,
  silent,
}: {
  device: DeviceView
  site: string
  silent: boolean
}) {
  const { t } = useWords()
  const heard = device.online && !silent
  const known = heard && device.bad === 0 && device.stale === 0
  return (
    <Table.Tr className={heard ? undefined : 'stale-row'}>
      <Table.Th scope="row">{device.id}</Table.Th>
      <Table.Td>
        <Mark tone={known ? 'good' : heard ? 'warn' : 'bad'}>
          {t(heard ? 'device.online' : silent ? 'device.unknown' : 'device.offline')}
        </Mark>
      </Table.Td>
      <Table.Td>
        {device.since === null ? '—' : <Since at={device.since} site={site} plain />}
      </Table.Td>
      <Table.Td className="number">{device.good}</Table.Td>
      <Table.Td className="number" data-tone={device.stale > 0 ? 'warn' : undefined}>
        {device.stale}
      </Table.Td>
      <Table.Td className="number" data-tone={device.bad > 0 ? 'bad' : undefined}>
        {device.bad}
      </Table.Td>
    </Table.Tr>
  )
}

function Gaps({ gateway }: { gateway: GatewayView }) {
  const { t, language } = useWords()
  if (gateway.gaps.length === 0) return null
  return (
    <details className="gaps">
      <summary>{t('gateway.gaps', { count: gateway.gaps.length })}</summary>
      <ul>
        {gateway.gaps.map((gap) => (
          <li key={`${gap.from}-${gap.to}`}>
            <When at={gap.from} site={gateway.site} /> ·{' '}
            {formatDuration(gap.to - gap.from, language)} · {gap.reason}
            {gap.lost !== null && ` · ${t('gateway.lost', { count: gap.lost })}`}
          </li>
        ))}
      </ul>
    </details>
  )
}

export function GatewayBlock({ gateway }: { gateway: GatewayView }) {
  const { t } = useWords()
  return (
    <div className="gateway" data-stale={!gateway.online || undefined}>
      <Group gap="xs" mb={4}>
        <Text component="h3" size="sm" fw={600}>
          {gateway.title}
        </Text>
        <Mark tone={gateway.online ? 'good' : 'bad'}>
          {t(gateway.online ? 'gateway.online' : 'gateway.offline')}
        </Mark>
        {!gateway.online && gateway.inMaintenance && (
          <Mark tone="info">{t('work.off-expected')}</Mark>
        )}
        {gateway.since !== null && (
          <Text size="xs" c="dimmed" component="span">
            <Since at={gateway.since} site={gateway.site} />
          </Text>
        )}
        <Mark tone={gateway.tunnel ? 'good' : 'idle'}>
          {t(gateway.tunnel ? 'gateway.tunnel-up' : 'gateway.tunnel-down')}
        </Mark>
        {gateway.contestedAt !== undefined && <Mark tone="bad">{t('gateway.contested')}</Mark>}
        {gateway.software && (
          <Text size="xs" c="dimmed">
            {gateway.software}
          </Text>
        )}
        <GatewayCertificate gateway={gateway} />
        <Text size="xs" component="span">
          <Go to={configPath({ site: gateway.site, gateway: gateway.id })}>{t('config.link')}</Go>
        </Text>
      </Group>
      {!gateway.online && <Text size="sm">{t('gateway.last-known')}</Text>}
      <WideTable
        label={t('gateway.devices', { gateway: gateway.title })}
        minWidth={500}
        heads={[
          t('device'),
          t('state'),
          t('since.head'),
          t('quality.good'),
          t('quality.stale'),
          t('quality.bad'),
        ]}
      >
        {gateway.devices.map((device) => (
          <DeviceRow key={device.id} device={device} site={gateway.site} silent={!gateway.online} />
        ))}
      </WideTable>
      <Gaps gateway={gateway} />
    </div>
  )
}
