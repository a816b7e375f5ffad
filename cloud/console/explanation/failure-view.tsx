/** Which known failure an alarm looks like, how likely, and what fixed it before; or that nothing known is like it. */
import { Stack, Text, Title } from '@mantine/core'
import type { FailureState, FailureView } from '../../../protocol/api-explanation.ts'
import { formatShare } from '../i18n/format.ts'
import { useWords } from '../i18n/language.tsx'
import { useSayText } from '../i18n/speech.ts'
import { Facts } from '../parts/facts.tsx'
import { Go } from '../parts/go.tsx'
import { Mark, type Tone } from '../parts/mark.tsx'
import { When } from '../parts/when.tsx'
import { CaseLine } from './case-line.tsx'

const tones = {
  named: 'info',
  normal: 'info',
  unclear: 'idle',
  none: 'warn',
  unknown: 'idle',
} as const satisfies Record<FailureState, Tone>

type Saying = Pick<FailureView, 'state' | 'mode' | 'probability'>

/** "Looks like: cooler fouling 86 % likely" */
export function SayingMark({ state, mode, probability }: Saying) {
  const { t, language } = useWords()
  const words =
    state === 'named' ? t('failure.named', { mode: mode ?? '?' }) : t(`failure.${state}`)
  return (
    <Mark tone={tones[state]}>
      {words}
      {probability !== null &&
        ` · ${t('failure.percent', { percent: formatShare(probability, language) })}`}
    </Mark>
  )
}

interface FailuresProps {
  list: readonly FailureView[]
  site: string
}

export function Failures({ list, site }: FailuresProps) {
  const { t } = useWords()
  if (list.length === 0) return null
  return (
    <div>
      <Title order={3} size="h6">
        {t('failure.title')}
      </Title>
      <Stack gap="xs">
        {list.map((one) => (
          <Failure key={one.model} failure={one} site={site} />
        ))}
      </Stack>
      <Text size="xs" c="dimmed">
        {t('failure.no-alarm')}
      </Text>
    </div>
  )
}

function Failure({ failure, site }: { failure: FailureView; site: string }) {
  const { t, language } = useWords()
  const sayText = useSayText(site)
  const { state, reason, mode, candidates, cases, version } = failure
  const others = candidates.filter((one) => one.mode !== mode)
  const likely = others.map((one) => `${one.mode} ${formatShare(one.probability, language)}`)
  const count = cases === 1 ? t('failure.cases-one') : t('failure.cases', { count: cases })
  return (
    <div className="failure">
      <span className="marks">
        <SayingMark {...failure} />
        {failure.stage === 'canary' && <Mark tone="idle">{t('failure.trial')}</Mark>}
        {state === 'named' && (
          <Text component="span" size="sm">
            {cases === 0 ? t('failure.cases-none') : count}
          </Text>
        )}
      </span>
      {state === 'none' && <Text size="sm">{t('failure.none-text')}</Text>}
      {reason !== null && (
        <Text size="sm">{t('failure.because', { reason: sayText(reason) })}</Text>
      )}
      {others.length > 0 && (
        <Text size="sm">{t('failure.others', { modes: likely.join(' · ') })}</Text>
      )}
      <Fixed list={failure.fixed} site={site} />
      <Text size="xs" c="dimmed" component="div" className="times">
        <Said failure={failure} site={site} />
        <Go to={`/models/${encodeURIComponent(failure.model)}`}>{t('failure.by', { version })}</Go>
      </Text>
      <Earlier list={failure.earlier} site={site} />
    </div>
  )
}

function Said({ failure, site }: { failure: FailureView; site: string }) {
  const { t } = useWords()
  if (!failure.recorded) return <span>{t('failure.found')}</span>
  const [before = '', after = ''] = t('failure.said', { time: '\n' }).split('\n')
  return (
    <span>
      {before}
      <When at={failure.at} site={site} style="moment" />
      {after}
    </span>
  )
}

function Fixed({ list, site }: { list: FailureView['fixed']; site: string }) {
  const { t } = useWords()
  if (list.length === 0) return null
  return (
    <>
      <Text size="sm" fw={600}>
        {t('failure.fixed')}
      </Text>
      <ul className="similar">
        {list.map((one, place) => (
          <li key={one.case?.id ?? place}>
            <Text size="sm">{one.action}</Text>
            <CaseLine found={one.case} site={site} />
            <Facts
              facts={[
                [t('why.cause'), one.cause],
                ...(one.part === null ? [] : [[t('failure.part'), one.part] as const]),
              ]}
            />
          </li>
        ))}
      </ul>
    </>
  )
}

function Earlier({ list, site }: { list: FailureView['earlier']; site: string }) {
  const { t } = useWords()
  if (list.length === 0) return null
  return (
    <details className="chart-table">
      <summary>{t('failure.earlier', { count: list.length })}</summary>
      <ul className="lines">
        {list.map((one) => (
          <li key={`${one.at} ${one.state} ${one.mode}`}>
            <When at={one.at} site={site} style="time" /> <SayingMark {...one} />
          </li>
        ))}
      </ul>
    </details>
  )
}
