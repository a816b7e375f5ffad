/** What a gateway is known by: until when, and what is wrong when it is not renewed in time. */
import { Text } from '@mantine/core'
import type { GatewayView } from '../../../protocol/api.ts'
import { useWords } from '../i18n/language.tsx'
import { Mark } from '../parts/mark.tsx'
import { useNow } from '../parts/now.ts'
import { When } from '../parts/when.tsx'

export function GatewayCertificate({ gateway }: { gateway: GatewayView }) {
  const { t } = useWords()
  const now = useNow()
  const { certificate, revokedAt, site } = gateway
  const revoked = revokedAt !== undefined && <Mark tone="bad">{t('gateway.revoked')}</Mark>
  if (!certificate) return revoked || null
  const { until, isLate, problem } = certificate
  const isOver = until <= now
  const trouble = isOver ? 'over' : isLate ? 'late' : undefined
  return (
    <span className="marks">
      {revoked}
      {trouble && <Mark tone={isOver ? 'bad' : 'warn'}>{t(`gateway.certificate-${trouble}`)}</Mark>}
      {problem && <Mark tone="bad">{t(`gateway.renewal.${problem}`)}</Mark>}
      <Text size="xs" c="dimmed" component="span">
        {t('gateway.certificate-until')} <When at={until} site={site} />
      </Text>
    </span>
  )
}
