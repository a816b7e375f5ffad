/** The ways into this asset that its site allows at all, and who must agree there. */
import { Text } from '@mantine/core'
import type { TargetView } from '../../../protocol/api.ts'
import { useConsent } from '../case/consent.ts'
import { useWords } from '../i18n/language.tsx'
import { Nothing } from '../parts/answer.tsx'

export function Targets({ targets }: { targets: readonly TargetView[] }) {
  const { t } = useWords()
  const consent = useConsent()
  if (targets.length === 0) return <Nothing>{t('targets.none')}</Nothing>
  return (
    <ul className="attention">
      {targets.map((target) => (
        <li key={`${target.gateway}/${target.id}`}>
          <Text component="span" size="sm" fw={600}>
            {target.title}
          </Text>
          <Text component="span" size="xs" c="dimmed">
            {target.kind} · {target.gateway} · {consent(target.consent)}
          </Text>
        </li>
      ))}
    </ul>
  )
}
