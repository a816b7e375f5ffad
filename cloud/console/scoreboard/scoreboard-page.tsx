/** How good each model is by the labels of closed cases, and the threshold that they speak for. */
import { Table, Text } from '@mantine/core'
import type { Scoreboard } from '../../../protocol/api-models.ts'
import { useScoreboard } from '../api/model-queries.ts'
import { useFleet } from '../api/queries.ts'
import { formatDuration, formatShare } from '../i18n/format.ts'
import { useWords } from '../i18n/language.tsx'
import { useSayText } from '../i18n/speech.ts'
import { StageMark } from '../models/model-marks.tsx'
import { ThresholdForm } from '../models/threshold-form.tsx'
import { Answer, Nothing } from '../parts/answer.tsx'
import { Go } from '../parts/go.tsx'
import { Page } from '../parts/page.tsx'
import { WideTable } from '../parts/wide-table.tsx'

type Row = Scoreboard['rows'][number]

export function ScoreboardPage() {
  const { t } = useWords()
  const board = useScoreboard()
  return (
    <Page title={t('board.title')}>
      <Text size="sm">{t('board.text')}</Text>
      <Answer query={board}>
        {({ rows }) =>
          rows.length === 0 ? (
            <Nothing>{t('board.none')}</Nothing>
          ) : (
            <WideTable
              label={t('board.title')}
              minWidth={1000}
              heads={[
                t('board.model'),
                t('asset.title'),
                t('model.stage'),
                t('board.alarms'),
                t('board.judged'),
                t('board.precision'),
                t('board.lead'),
                t('board.missed'),
                t('board.proposal'),
              ]}
            >
              {rows.map((row) => (
                <BoardRow key={row.model.id} row={row} />
              ))}
            </WideTable>
          )
        }
      </Answer>
    </Page>
  )
}

function BoardRow({ row }: { row: Row }) {
  const { t, language } = useWords()
  const fleet = useFleet()
  const sayText = useSayText(row.model.site)
  const { model, useful, tooSensitive, noisyData, wrongData, precision, medianLeadMs } = row
  const asset = fleet.data?.sites
    .flatMap(({ assets }) => assets)
    .find(({ id }) => id === model.asset)
  const judged = useful + tooSensitive + noisyData + wrongData
  const verdict = { useful, tooSensitive, noisy: noisyData, wrong: wrongData }
  return (
    <Table.Tr>
      <Table.Th scope="row">
        <Go to={`/models/${encodeURIComponent(model.id)}`}>
          {t('model.name-version', { name: model.name, version: model.version })}
        </Go>
      </Table.Th>
      <Table.Td>
        <Go to={`/assets/${encodeURIComponent(model.asset)}/models`}>
          {asset?.name ?? model.asset}
        </Go>
      </Table.Td>
      <Table.Td>
        <StageMark stage={model.stage} />
      </Table.Td>
      <Table.Td>
        <span className="number">{row.alarms}</span>
        {row.inMaintenance > 0 && (
          <Text size="xs" c="dimmed">
            {t('board.in-work', { count: row.inMaintenance })}
          </Text>
        )}
      </Table.Td>
      <Table.Td>
        <span className="number">{judged}</span>
        {judged > 0 && (
          <Text size="xs" c="dimmed">
            {t('board.verdict', verdict)}
          </Text>
        )}
      </Table.Td>
      <Table.Td className="number">
        {precision === null ? '—' : formatShare(precision, language)}
      </Table.Td>
      <Table.Td className="number">
        {medianLeadMs === null ? '—' : formatDuration(medianLeadMs, language)}
      </Table.Td>
      <Table.Td className="number" data-tone={row.missed > 0 ? 'bad' : undefined}>
        {row.missed}
      </Table.Td>
      <Table.Td>
        {row.proposal ? (
          <>
            <ThresholdForm model={model} proposal={row.proposal} />
            <Text size="xs" c="dimmed">
              {sayText(row.proposal.why)}
            </Text>
          </>
        ) : (
          t('board.no-proposal')
        )}
      </Table.Td>
    </Table.Tr>
  )
}
