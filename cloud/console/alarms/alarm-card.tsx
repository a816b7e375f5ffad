/** One alarm: its state, its history in times, the tags behind it, and what may be done. */
import { Group, Text } from '@mantine/core'
import type { AlarmView } from '../../../protocol/api.ts'
import { actionsIn, alarmTransitions } from '../../../protocol/states.ts'
import { acknowledgeAlarm } from '../api/client.ts'
import { useWhyNot } from '../api/permission.tsx'
import { useChange } from '../api/queries.ts'
import { WhyFold } from '../explanation/why-fold.tsx'
import { formatNumber } from '../i18n/format.ts'
import { useWords } from '../i18n/language.tsx'
import { sayMessage } from '../i18n/said.ts'
import { ActButton } from '../parts/act-button.tsx'
import { Problem } from '../parts/answer.tsx'
import { Contributions } from '../parts/contributions.tsx'
import { Go } from '../parts/go.tsx'
import { AlarmMark } from '../parts/state-marks.tsx'
import { When } from '../parts/when.tsx'
import { severityBand } from './severity.ts'
import { ShelveForm, UnshelveButton } from './shelve-form.tsx'
import { WasNormalForm } from './was-normal-form.tsx'

function AlarmTimes({ alarm }: { alarm: AlarmView }) {
  const { t, language } = useWords()
  return (
    <Text size="xs" c="dimmed" component="div" className="times">
      <span>
        {t('alarm.raised')} <When at={alarm.raisedAt} site={alarm.site} />
      </span>
      {alarm.clearedAt !== null && (
        <span>
          {t('alarm.cleared')} <When at={alarm.clearedAt} site={alarm.site} style="time" />
        </span>
      )}
      {alarm.ackedAt !== null && (
        <span>
          {t('alarm.acked', { person: alarm.ackedBy ?? '?' })}{' '}
          <When at={alarm.ackedAt} site={alarm.site} style="time" />
        </span>
      )}
      {alarm.peak !== null && (
        <span>{t('alarm.peak', { peak: formatNumber(alarm.peak, language) })}</span>
      )}
    </Text>
  )
}

export function AlarmActions({ alarm }: { alarm: AlarmView }) {
  const { t } = useWords()
  const whyNot = useWhyNot()
  const acknowledge = useChange(() => acknowledgeAlarm(alarm.id, {}))
  const legal = actionsIn(alarmTransitions, alarm.state).includes('acknowledge')
  const acked = legal ? null : t('alarm.nothing-to-acknowledge')
  return (
    <>
      <Group gap="xs">
        <ActButton
          why={acked ?? whyNot('alarm.acknowledge')}
          onClick={() => acknowledge.mutate(undefined)}
          loading={acknowledge.isPending}
          variant="default"
        >
          {t('alarm.acknowledge')}
        </ActButton>
        {alarm.shelving === 'Unshelved' ? (
          <ShelveForm alarm={alarm} />
        ) : (
          <UnshelveButton alarm={alarm} />
        )}
        {/* what nobody could judge teaches nothing */}
        {!alarm.rule.endsWith(':unjudged') && <WasNormalForm alarm={alarm} />}
      </Group>
      {acknowledge.error && <Problem error={acknowledge.error} />}
    </>
  )
}

interface AlarmCardProps {
  alarm: AlarmView
  /** On the page of its own case: no link to that case, and the case shows the contributors. */
  inCase?: boolean
}

export function AlarmCard({ alarm, inCase = false }: AlarmCardProps) {
  const { t } = useWords()
  return (
    <article
      className="card alarm-card"
      data-state={alarm.state}
      data-service={alarm.outOfService ? 'out' : undefined}
    >
      <header>
        <AlarmMark alarm={alarm} />
        <Text size="xs" c="dimmed">
          {t('alarm.severity', {
            severity: alarm.severity,
            words: t(`severity.${severityBand(alarm.severity)}`),
          })}
        </Text>
      </header>
      <div className="alarm-body">
        <div>
          <Text fw={600} size="sm">
            <Go to={`/assets/${encodeURIComponent(alarm.asset)}`}>{alarm.assetName}</Go> ·{' '}
            {sayMessage(alarm.message, t)}
          </Text>
          {alarm.outOfService && (
            <Text size="sm" data-tone="info">
              {t('alarm.out-of-service-why', {
                text: alarm.outOfService.text,
                person: alarm.outOfService.by,
              })}
            </Text>
          )}
          <AlarmTimes alarm={alarm} />
          {alarm.caseId && !inCase && <Go to={`/cases/${alarm.caseId}`}>{t('alarm.to-case')}</Go>}
        </div>
        {alarm.contributions.length > 0 && !inCase && (
          <Contributions asset={alarm.asset} list={alarm.contributions} />
        )}
      </div>
      {!inCase && <WhyFold alarm={alarm} />}
      <AlarmActions alarm={alarm} />
    </article>
  )
}
