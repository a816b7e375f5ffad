/** The recorded HTTP exchanges in order; a change (not GET or HEAD) stands out, its bodies open by a click. */
import { Checkbox, Stack } from '@mantine/core'
import { useState } from 'react'
import type { RecordedExchange, RecordingView } from '../../../protocol/api.ts'
import { formatBytes } from '../i18n/format.ts'
import { useWords } from '../i18n/language.tsx'
import { Nothing } from '../parts/answer.tsx'
import { When } from '../parts/when.tsx'

const isChange = ({ method }: RecordedExchange) => method !== 'GET' && method !== 'HEAD'

function Body({ title, text, bytes }: { title: string; text: string | null; bytes: number }) {
  const { t, language } = useWords()
  return (
    <div>
      <div className="body-title">
        {title} · {formatBytes(bytes, language)}
      </div>
      {text === null ? (
        <Nothing>{t(bytes === 0 ? 'exchange.empty' : 'exchange.not-text')}</Nothing>
      ) : (
        <pre className="body">{text}</pre>
      )}
    </div>
  )
}

function Exchange({ exchange, site }: { exchange: RecordedExchange; site: string }) {
  const { t } = useWords()
  const { method, path, status, durationMs } = exchange
  return (
    <details className="exchange" data-change={isChange(exchange) || undefined}>
      <summary>
        <When at={exchange.at} site={site} style="time" />
        <code className="method">{method}</code>
        <code className="path">{path}</code>
        <span className="number" data-tone={status >= 400 ? 'bad' : undefined}>
          {status}
        </span>
        <span className="number">{Math.round(durationMs)} ms</span>
      </summary>
      <Body
        title={t('exchange.request')}
        text={exchange.requestBody}
        bytes={exchange.requestBytes}
      />
      <Body
        title={t('exchange.response')}
        text={exchange.responseBody}
        bytes={exchange.responseBytes}
      />
    </details>
  )
}

export function Exchanges({ view }: { view: RecordingView }) {
  const { t } = useWords()
  const [only, setOnly] = useState(false)
  const shown = only ? view.exchanges.filter(isChange) : view.exchanges
  return (
    <Stack gap="xs">
      <Checkbox
        size="xs"
        label={t('recording.only-changes')}
        checked={only}
        onChange={(event) => setOnly(event.currentTarget.checked)}
      />
      {shown.length === 0 && <Nothing>{t('recording.none')}</Nothing>}
      <div>
        {shown.map((exchange, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: a recording only grows at its end
          <Exchange key={index} exchange={exchange} site={view.session.site} />
        ))}
      </div>
    </Stack>
  )
}
