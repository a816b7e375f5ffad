/** A training: what it does now, how far it is, how it ended; it can be stopped while it runs. */
import { Group, Progress, Stack, Text } from '@mantine/core'
import type { TrainingJobView } from '../../../protocol/api-models.ts'
import { cancelTraining } from '../api/model-client.ts'
import { isRunning } from '../api/model-queries.ts'
import { useWhyNot } from '../api/permission.tsx'
import { useChange } from '../api/queries.ts'
import { formatShare } from '../i18n/format.ts'
import { useWords } from '../i18n/language.tsx'
import { useSayText } from '../i18n/speech.ts'
import { BackTestSentence } from '../model/back-test-view.tsx'
import { JobMark } from '../models/model-marks.tsx'
import { ActButton } from '../parts/act-button.tsx'
import { Problem } from '../parts/answer.tsx'
import { Go } from '../parts/go.tsx'
import { Panel } from '../parts/panel.tsx'
import { When } from '../parts/when.tsx'

interface JobPanelProps {
  job: TrainingJobView
  site: string
  /** The back-test stands beside it, so that its sentence need not stand here. */
  beside?: boolean
}

export function JobPanel({ job, site, beside = false }: JobPanelProps) {
  const { t } = useWords()
  return (
    <Panel
      title={t(beside ? 'training.job' : 'training.last')}
      side={<JobMark state={job.state} />}
    >
      <JobState job={job} site={site} beside={beside} />
    </Panel>
  )
}

function JobState({ job, site, beside }: JobPanelProps) {
  const { t, language } = useWords()
  const sayText = useSayText(site)
  const running = isRunning(job)
  const done = `${sayText(job.phase)} · ${formatShare(job.progress, language)}`
  return (
    <Stack gap="xs">
      <Text size="xs" c="dimmed">
        {t('training.by', { person: job.requestedBy })} ·{' '}
        <When at={job.requestedAt} site={site} style="moment" />
      </Text>
      {running && (
        <>
          <Progress.Root size="lg">
            <Progress.Section
              value={100 * job.progress}
              aria-label={t('training.progress')}
              aria-valuetext={done}
            />
          </Progress.Root>
          <Text size="sm" className="number">
            {done}
          </Text>
          <Text size="xs" c="dimmed">
            {t('training.left')}
          </Text>
          <CancelButton job={job.id} />
        </>
      )}
      {job.problem && (
        <Text size="sm" data-tone="bad" role="alert">
          {sayText(job.problem)}
        </Text>
      )}
      {job.backTest && !beside && <BackTestSentence backTest={job.backTest} />}
      {job.model && (
        <Go to={`/models/${encodeURIComponent(job.model)}`}>{t('training.to-version')}</Go>
      )}
    </Stack>
  )
}

function CancelButton({ job }: { job: string }) {
  const { t } = useWords()
  const whyNot = useWhyNot()
  const cancel = useChange(() => cancelTraining(job))
  return (
    <>
      <Group>
        <ActButton
          variant="default"
          why={whyNot('model.train')}
          loading={cancel.isPending}
          onClick={() => cancel.mutate(undefined)}
        >
          {t('training.cancel')}
        </ActButton>
      </Group>
      {cancel.error && <Problem error={cancel.error} />}
    </>
  )
}
