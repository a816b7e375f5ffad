/** Moves the case along by hand where its state allows, and dismisses it where there was nothing. */
import { Group, NativeSelect } from '@mantine/core'
import { useState } from 'react'
import type { CaseDetail, DismissRequest } from '../../../protocol/api.ts'
import { actionsIn, caseTransitions } from '../../../protocol/states.ts'
import { dismissCase, transitionCase } from '../api/client.ts'
import { useWhyNot } from '../api/permission.tsx'
import { useChange } from '../api/queries.ts'
import { useWords } from '../i18n/language.tsx'
import { ActButton } from '../parts/act-button.tsx'
import { Problem } from '../parts/answer.tsx'
import { FormDialog } from '../parts/form.tsx'
import { Panel } from '../parts/panel.tsx'
import { WordsField } from '../parts/words-field.tsx'
import { useUsefulness } from './usefulness.ts'

const moves = ['diagnose', 'fix', 'verify'] as const

export function WorkButtons({ detail }: { detail: CaseDetail }) {
  const { t } = useWords()
  const whyNot = useWhyNot()
  const legal = actionsIn(caseTransitions, detail.state)
  const move = useChange((action: (typeof moves)[number]) => transitionCase(detail.id, { action }))
  const wrong = t('case.not-now', { state: t(`case.state.${detail.state}`) })
  return (
    <Panel title={t('case.work')}>
      <Group gap="xs">
        {moves.map((action) => (
          <ActButton
            key={action}
            variant="default"
            why={legal.includes(action) ? whyNot('case.work') : wrong}
            loading={move.isPending && move.variables === action}
            onClick={() => move.mutate(action)}
          >
            {t(`case.move.${action}`)}
          </ActButton>
        ))}
        <DismissForm id={detail.id} why={legal.includes('dismiss') ? null : wrong} />
      </Group>
      {move.error && <Problem error={move.error} />}
    </Panel>
  )
}

function DismissForm({ id, why }: { id: string; why: string | null }) {
  const { t } = useWords()
  const whyNot = useWhyNot()
  const choices = useUsefulness()
  const [reason, setReason] = useState('')
  const [useful, setUseful] = useState<DismissRequest['usefulness']>('too-sensitive')
  const dismiss = useChange(() => dismissCase(id, { reason, usefulness: useful }))
  return (
    <FormDialog
      title={t('case.dismiss')}
      submit={t('case.dismiss-submit')}
      why={why ?? whyNot('case.close')}
      change={dismiss}
      onSubmit={(done) => dismiss.mutate(undefined, done)}
    >
      <WordsField label={t('reason')} maxLength={2000} value={reason} onChange={setReason} />
      <NativeSelect
        label={t('case.usefulness')}
        data={choices.options}
        value={useful}
        onChange={(event) => setUseful(choices.parse(event.currentTarget.value))}
      />
    </FormDialog>
  )
}
