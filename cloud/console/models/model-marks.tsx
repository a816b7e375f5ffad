/** The states of models and trainings in words, each with its tone. */
import type {
  DriftView,
  JobState,
  ModelStage,
  ModelVersionView,
} from '../../../protocol/api-models.ts'
import { useWords } from '../i18n/language.tsx'
import { Mark, type Tone } from '../parts/mark.tsx'

const stageTones = {
  shadow: 'idle',
  canary: 'info',
  active: 'good',
  retired: 'idle',
} as const satisfies Record<ModelStage, Tone>

export function StageMark({ stage }: { stage: ModelStage }) {
  const { t } = useWords()
  return <Mark tone={stageTones[stage]}>{t(`stage.${stage}`)}</Mark>
}

export function IntactMark({ model }: { model: Pick<ModelVersionView, 'intact' | 'problem'> }) {
  const { t } = useWords()
  if (model.intact) return <Mark tone="good">{t('model.intact')}</Mark>
  return <Mark tone="bad">{t('model.tampered', { problem: model.problem ?? '?' })}</Mark>
}

const jobTones = {
  queued: 'idle',
  running: 'info',
  done: 'good',
  failed: 'bad',
  cancelled: 'warn',
} as const satisfies Record<JobState, Tone>

export function JobMark({ state }: { state: JobState }) {
  const { t } = useWords()
  return <Mark tone={jobTones[state]}>{t(`job.${state}`)}</Mark>
}

/** Drift is no fault: it is never red. */
const driftTones = {
  none: 'good',
  drift: 'info',
  unknown: 'idle',
} as const satisfies Record<DriftView['state'], Tone>

export function DriftMark({ state }: { state: DriftView['state'] }) {
  const { t } = useWords()
  return <Mark tone={driftTones[state]}>{t(`drift.mark.${state}`)}</Mark>
}
