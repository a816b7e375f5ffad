/** One version that was sent: how far it came, who sent it and why, what it changed, and the way back to it. */
import { Button, Text } from '@mantine/core'
import { useState } from 'react'
import type { ConfigVersionSummary } from '../../../protocol/api-gateway-config.ts'
import type { ConfigState } from '../../../protocol/states.ts'
import {
  cancelConfig,
  type GatewayName,
  isUnderWay,
  restoreConfig,
  useConfigChange,
  useConfigVersion,
} from '../api/gateway-client.ts'
import { formatInstant } from '../i18n/format.ts'
import { useWords } from '../i18n/language.tsx'
import { usePlace } from '../i18n/place.ts'
import { Answer, Problem } from '../parts/answer.tsx'
import { FormDialog } from '../parts/form.tsx'
import { Mark, type Tone } from '../parts/mark.tsx'
import { When } from '../parts/when.tsx'
import { WordsField } from '../parts/words-field.tsx'
import { DiffWords } from './diff-words.tsx'

const tones = {
  draft: 'idle',
  sent: 'info',
  staged: 'info',
  applied: 'warn',
  confirmed: 'good',
  unchanged: 'good',
  refused: 'bad',
  reverted: 'bad',
} as const satisfies Record<ConfigState, Tone>

/** The server's name for what was there before anybody here sent something. */
const AS_FOUND = 'site'

interface VersionCardProps {
  of: GatewayName
  version: ConfigVersionSummary
  /** Its text becomes the draft: the editor above must show it. */
  onRestored: () => void
}

export function VersionCard({ of, version, onRestored }: VersionCardProps) {
  const { t } = useWords()
  const place = usePlace(of.site)
  const { state, why, say, problems, diff, confirmBefore } = version
  const title = t('config.version', { version: version.version })
  const person = version.sentBy ?? version.createdBy
  return (
    <article className="card" data-config={state} aria-label={title}>
      <header>
        <span>{title}</span>
        <Mark tone={tones[state]}>{t(`config.state.${state}`)}</Mark>
      </header>
      <div className="times">
        <When at={version.sentAt ?? version.createdAt} site={of.site} />
        {person !== AS_FOUND && <span>{t('config.by', { person })}</span>}
      </div>
      <Text size="sm">{person === AS_FOUND ? t('config.as-found') : version.reason}</Text>
      {why && (
        <Text size="sm" data-tone="bad">
          {t(`config.why.${why}`)}
        </Text>
      )}
      {why && say && problems.length === 0 && (
        <Text size="xs" c="dimmed">
          {say}
        </Text>
      )}
      {confirmBefore !== null && (
        <Text size="sm">
          {t('config.goes-back', { time: formatInstant(confirmBefore, 'time', place) })}
        </Text>
      )}
      {problems.length > 0 && (
        <ul className="bullets">
          {problems.map(({ line, path, say: words }) => (
            <li key={`${line} ${path} ${words}`}>
              {t('config.line', { line })}: {path && <code>{path}</code>} {words}
            </li>
          ))}
        </ul>
      )}
      {diff && <DiffWords diff={diff} />}
      <Acts of={of} version={version} onRestored={onRestored} />
    </article>
  )
}

function Acts({ of, version: { version, state }, onRestored }: VersionCardProps) {
  const { t } = useWords()
  const restore = useConfigChange(of, () => restoreConfig(of, { version }))
  if (isUnderWay(state)) return <TakeBack of={of} />
  return (
    <>
      <VersionText of={of} version={version} />
      {restore.error && <Problem error={restore.error} />}
      <div className="marks">
        <Button
          variant="default"
          loading={restore.isPending}
          onClick={() => restore.mutate(undefined, { onSuccess: onRestored })}
        >
          {t('config.restore')}
        </Button>
      </div>
    </>
  )
}

function TakeBack({ of }: { of: GatewayName }) {
  const { t } = useWords()
  const [reason, setReason] = useState('')
  const change = useConfigChange(of, () => cancelConfig(of, { reason }))
  return (
    <div className="marks">
      <FormDialog
        title={t('config.take-back')}
        submit={t('config.take-back')}
        change={change}
        onSubmit={(done) => change.mutate(undefined, done)}
      >
        <WordsField label={t('reason')} value={reason} onChange={setReason} maxLength={500} />
      </FormDialog>
    </div>
  )
}

/** Asked for only when somebody opens it: a text may be a megabyte. */
function VersionText({ of, version }: { of: GatewayName; version: number }) {
  const { t } = useWords()
  const [isOpen, setOpen] = useState(false)
  const found = useConfigVersion(of, version, isOpen)
  return (
    <details onToggle={({ currentTarget: { open } }) => setOpen(open)}>
      <summary className="fold">{t('config.text')}</summary>
      {isOpen && (
        <Answer query={found}>
          {({ yaml }) => (
            // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must take the focus
            <pre className="config-text" tabIndex={0}>
              {yaml}
            </pre>
          )}
        </Answer>
      )}
    </details>
  )
}
