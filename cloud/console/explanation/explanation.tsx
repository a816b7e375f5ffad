/** Why an alarm was raised: what was read and what was expected, what moved first, and what helped in cases like it. */
import { Stack, Table, Text, Title } from '@mantine/core'
import type { Explanation } from '../../../protocol/api-explanation.ts'
import { useExplanation } from '../api/model-queries.ts'
import { useUsefulness } from '../case/usefulness.ts'
import { formatNumber, formatShare } from '../i18n/format.ts'
import { useWords } from '../i18n/language.tsx'
import { Answer, Nothing } from '../parts/answer.tsx'
import { Facts } from '../parts/facts.tsx'
import { When } from '../parts/when.tsx'
import { WideTable } from '../parts/wide-table.tsx'
import { CaseLine } from './case-line.tsx'
import { Failures } from './failure-view.tsx'
import { LevelList } from './level-list.tsx'

interface ExplanationViewProps {
  alarm: { id: string; site: string }
}

export function ExplanationView({ alarm }: ExplanationViewProps) {
  const { t } = useWords()
  const found = useExplanation(alarm.id)
  return (
    <Answer query={found}>
      {({ tags, filled, movedFirst, changes, failures, similar }) => {
        if (tags.length + movedFirst.length + similar.length + failures.length === 0)
          return <Nothing>{t('why.none')}</Nothing>
        return (
          <Stack gap="xs">
            <Failures list={failures} site={alarm.site} />
            <StandingOut tags={tags} />
            <Filled names={filled} />
            <MovedFirst list={movedFirst} site={alarm.site} />
            <Levels list={changes} site={alarm.site} />
            <Similar list={similar} site={alarm.site} />
          </Stack>
        )
      }}
    </Answer>
  )
}

function StandingOut({ tags }: { tags: Explanation['tags'] }) {
  const { t, language } = useWords()
  if (tags.length === 0) return <Nothing>{t('contributions.none')}</Nothing>
  const show = (value: number | null, unit: string | null) => {
    if (value === null) return '—'
    return `${formatNumber(value, language)}${unit ? ` ${unit}` : ''}`
  }
  return (
    <WideTable
      label={t('why.tags')}
      minWidth={330}
      heads={[t('tag'), t('why.value'), t('why.expected'), t('why.off')]}
    >
      {tags.map(({ tag, name, unit, z, direction, value, expected }) => (
        <Table.Tr key={tag}>
          <Table.Th scope="row" title={tag}>
            {name}
          </Table.Th>
          <Table.Td className="number">{show(value, unit)}</Table.Td>
          <Table.Td className="number">{show(expected, unit)}</Table.Td>
          <Table.Td className="number">
            {t(`direction.${direction}`)} {formatNumber(Number(Math.abs(z).toFixed(1)), language)}σ
          </Table.Td>
        </Table.Tr>
      ))}
    </WideTable>
  )
}

/** Nobody should take an alarm that rests on guessed values in part for one of measured ones only. */
function Filled({ names }: { names: readonly string[] }) {
  const { t } = useWords()
  if (names.length === 0) return null
  return <Text size="sm">{t('why.filled', { tags: names.join(t('said.between')) })}</Text>
}

function MovedFirst({ list, site }: { list: Explanation['movedFirst']; site: string }) {
  const { t } = useWords()
  return (
    <div>
      <Title order={3} size="h6">
        {t('why.first')}
      </Title>
      {list.length === 0 && <Nothing>{t('why.first-none')}</Nothing>}
      <ol className="moments">
        {list.map(({ tag, name, at }) => (
          <li key={tag} title={tag}>
            <When at={at} site={site} style="time" /> {name}
          </li>
        ))}
      </ol>
    </div>
  )
}

function Levels({ list, site }: { list: Explanation['changes']; site: string }) {
  const { t } = useWords()
  return (
    <div>
      <Title order={3} size="h6">
        {t('level.title')}
      </Title>
      {list.length === 0 ? (
        <Nothing>{t('level.none')}</Nothing>
      ) : (
        <LevelList list={list} site={site} />
      )}
    </div>
  )
}

function Similar({ list, site }: { list: Explanation['similar']; site: string }) {
  const { t, language } = useWords()
  const { say } = useUsefulness()
  return (
    <div>
      <Title order={3} size="h6">
        {t('why.similar')}
      </Title>
      {list.length === 0 && <Nothing>{t('why.similar-none')}</Nothing>}
      <ul className="similar">
        {list.map((one, place) => (
          <li key={one.case?.id ?? place}>
            <CaseLine found={one.case} site={site}>
              <span>{t('why.similarity', { percent: formatShare(one.similarity, language) })}</span>
            </CaseLine>
            <Facts
              facts={[
                [t('why.cause'), one.cause],
                [t('why.action'), one.action],
                [t('case.usefulness'), say(one.usefulness)],
              ]}
            />
          </li>
        ))}
      </ul>
    </div>
  )
}
