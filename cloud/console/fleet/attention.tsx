/** What needs somebody now: active alarms, requests that wait for this person's approval, gateways that are silent; and apart what is in maintenance. */
import { Text } from '@mantine/core'
import { useId } from 'react'
import type { AlarmView, Fleet, GatewayView } from '../../../protocol/api.ts'
import { useMe } from '../api/permission.tsx'
import { useAlarms, useSessions } from '../api/queries.ts'
import { useWords } from '../i18n/language.tsx'
import { sayMessage } from '../i18n/said.ts'
import { Nothing, Problem } from '../parts/answer.tsx'
import { Go } from '../parts/go.tsx'
import { Mark } from '../parts/mark.tsx'
import { Panel } from '../parts/panel.tsx'
import { AlarmMark, SessionMark } from '../parts/state-marks.tsx'
import { Since } from '../parts/when.tsx'

type Site = Fleet['sites'][number]

export function Attention({ sites }: { sites: readonly Site[] }) {
  const { t } = useWords()
  const me = useMe()
  const restingId = useId()
  const alarms = useAlarms('open')
  const sessions = useSessions('open')
  const open = alarms.data?.alarms.filter(({ state }) => state !== 'normal') ?? []
  const active = open.filter(({ outOfService }) => !outOfService)
  const resting = open.filter(({ outOfService }) => outOfService)
  const mayApprove = me.allowed.includes('session.approve')
  const waiting = sessions.data?.sessions.filter(({ state }) => state === 'requested') ?? []
  const requests = mayApprove ? waiting : []
  const off = sites.flatMap((site) => site.gateways.filter(({ online }) => !online))
  const silent = off.filter(({ inMaintenance }) => !inMaintenance)
  const expected = off.filter(({ inMaintenance }) => inMaintenance)
  const failed = alarms.error ?? sessions.error
  const calm = active.length + requests.length + silent.length === 0
  return (
    <Panel title={t('attention.title')}>
      {failed && <Problem error={failed} />}
      {calm && !failed && <Nothing>{t('attention.none')}</Nothing>}
      <ul className="attention">
        {requests.map((session) => (
          <li key={session.id}>
            <SessionMark state={session.state} />
            <Go to={`/cases/${session.caseId}`}>
              {t('attention.request', { person: session.person.name, target: session.targetTitle })}
            </Go>
            <Since at={session.requestedAt} site={session.site} />
          </li>
        ))}
        {active.map((alarm) => (
          <AlarmLine key={alarm.id} alarm={alarm} />
        ))}
        {silent.map((gateway) => (
          <SilentLine key={gateway.id} gateway={gateway} />
        ))}
      </ul>
      {resting.length + expected.length > 0 && (
        <>
          <Text size="sm" fw={600} id={restingId} mt="xs">
            {t('work.attention', { count: resting.length + expected.length })}
          </Text>
          <ul className="attention" aria-labelledby={restingId}>
            {resting.map((alarm) => (
              <AlarmLine key={alarm.id} alarm={alarm} />
            ))}
            {expected.map((gateway) => (
              <SilentLine key={gateway.id} gateway={gateway} />
            ))}
          </ul>
        </>
      )}
    </Panel>
  )
}

function AlarmLine({ alarm }: { alarm: AlarmView }) {
  const { t } = useWords()
  return (
    <li>
      <AlarmMark alarm={alarm} />
      <Go to={alarm.caseId ? `/cases/${alarm.caseId}` : `/assets/${alarm.asset}`}>
        {alarm.assetName}: {sayMessage(alarm.message, t)}
      </Go>
      <Since at={alarm.raisedAt} site={alarm.site} />
    </li>
  )
}

function SilentLine({ gateway }: { gateway: GatewayView }) {
  const { t } = useWords()
  return (
    <li>
      <Mark tone={gateway.inMaintenance ? 'info' : 'bad'}>{t('gateway.offline')}</Mark>
      <span>{t('attention.silent', { gateway: gateway.title })}</span>
      {gateway.since !== null && <Since at={gateway.since} site={gateway.site} />}
    </li>
  )
}
