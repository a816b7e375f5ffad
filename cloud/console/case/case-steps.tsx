/** The eight steps of a support job with the time and the person of each. */
import { IconCheck, IconCircleDashed } from '@tabler/icons-react'
import type { CaseDetail } from '../../../protocol/api.ts'
import { caseSteps } from '../../../protocol/states.ts'
import { useWords } from '../i18n/language.tsx'
import { When } from '../parts/when.tsx'

export function CaseSteps({ detail }: { detail: CaseDetail }) {
  const { t } = useWords()
  return (
    <ol className="steps" aria-label={t('case.steps')}>
      {caseSteps.map((step) => {
        const done = detail.steps.find((each) => each.step === step)
        const Icon = done ? IconCheck : IconCircleDashed
        return (
          <li key={step} data-done={done !== undefined || undefined}>
            <span className="step-name">
              <Icon size={15} aria-hidden="true" />
              {t(`step.${step}`)}
            </span>
            <span className="step-time number">
              {done ? <When at={done.at} site={detail.site} style="time" /> : t('step.not-yet')}
            </span>
            {done?.person && <span className="step-time">{done.person}</span>}
          </li>
        )
      })}
    </ol>
  )
}
