/** Whether the closed cases suffice for a model of known failures, and the button that trains it. */
import { Stack, Table, Text } from '@mantine/core'
import type { FailureReadiness } from '../../../protocol/api-explanation.ts'
import { trainFailures } from '../api/model-client.ts'
import { useFailures } from '../api/model-queries.ts'
import { useWhyNot } from '../api/permission.tsx'
import { useChange } from '../api/queries.ts'
import { useWords } from '../i18n/language.tsx'
import { ActButton } from '../parts/act-button.tsx'
import { Answer, Nothing, Problem } from '../parts/answer.tsx'
import { Mark } from '../parts/mark.tsx'
import { Panel } from '../parts/panel.tsx'
import { WideTable } from '../parts/wide-table.tsx'

interface KnownFailuresProps {
  asset: string
  /** A training of the asset is waiting or running. */
  busy: boolean
}

export function KnownFailures({ asset, busy }: KnownFailuresProps) {
  const { t } = useWords()
  const found = useFailures(asset)
  return (
    <Panel title={t('failures.title')}>
      <Answer query={found}>
        {(readiness) => (
          <Stack gap="xs">
            <Text size="sm">{t('failures.text')}</Text>
            <Modes readiness={readiness} />
            <Record list={readiness.record} />
            <TrainButton asset={asset} readiness={readiness} busy={busy} />
          </Stack>
        )}
      </Answer>
    </Panel>
  )
}

/** Where people look at the asset: its closed cases suffice for something that nobody has trained yet. */
export function FailuresProposed({ asset }: { asset: string }) {
  const { t } = useWords()
  if (useFailures(asset).data?.proposed !== true) return null
  return (
    <span>
      <Mark tone="info">{t('failures.proposed-here')}</Mark>
    </span>
  )
}

function Modes({ readiness }: { readiness: FailureReadiness }) {
  const { t } = useWords()
  const { modes, casesWanted, modesWanted, withoutAlarm, withoutMode } = readiness
  return (
    <>
      <Text size="xs" c="dimmed">
        {t('failures.rule', { cases: casesWanted, modes: modesWanted })}
      </Text>
      {modes.length === 0 ? (
        <Nothing>{t('failures.none')}</Nothing>
      ) : (
        <WideTable
          label={t('failures.title')}
          minWidth={240}
          heads={[t('failures.mode'), t('failures.cases'), '']}
        >
          {modes.map(({ mode, cases }) => (
            <Table.Tr key={mode}>
              <Table.Th scope="row">{mode}</Table.Th>
              <Table.Td className="number">{cases}</Table.Td>
              <Table.Td>
                {cases >= casesWanted ? (
                  <Mark tone="good">{t('failures.enough')}</Mark>
                ) : (
                  <Mark tone="idle">{t('failures.missing', { count: casesWanted - cases })}</Mark>
                )}
              </Table.Td>
            </Table.Tr>
          ))}
        </WideTable>
      )}
      {withoutAlarm > 0 && (
        <Text size="xs" c="dimmed">
          {t('failures.without-alarm', { count: withoutAlarm })}
        </Text>
      )}
      {withoutMode > 0 && (
        <Text size="xs" c="dimmed">
          {t('failures.without-mode', { count: withoutMode })}
        </Text>
      )}
    </>
  )
}

/** What they said live, held against what the technicians found. */
function Record({ list }: { list: FailureReadiness['record'] }) {
  const { t } = useWords()
  return list
    .filter(({ cases }) => cases > 0)
    .map(({ model, version, cases, right, wrong }) => (
      <Text key={model} size="sm">
        {t('failures.record', { version, cases, right, wrong, none: cases - right - wrong })}
      </Text>
    ))
}

interface TrainButtonProps extends KnownFailuresProps {
  readiness: FailureReadiness
}

function TrainButton({ asset, readiness, busy }: TrainButtonProps) {
  const { t } = useWords()
  const whyNot = useWhyNot()
  const change = useChange(() => trainFailures(asset, {}))
  const { ready, proposed, casesWanted: cases, modesWanted: modes } = readiness
  const missing = ready ? null : t('failures.rule', { cases, modes })
  const why = missing ?? (busy ? t('training.busy') : whyNot('model.train'))
  return (
    <>
      {ready && (
        <span>
          <Mark tone={proposed ? 'info' : 'good'}>
            {t(proposed ? 'failures.proposed' : 'failures.ready')}
          </Mark>
        </span>
      )}
      {change.error && <Problem error={change.error} />}
      <div>
        <ActButton
          variant={proposed ? 'filled' : 'default'}
          why={why}
          loading={change.isPending}
          onClick={() => change.mutate(undefined)}
        >
          {t('failures.train')}
        </ActButton>
      </div>
    </>
  )
}
