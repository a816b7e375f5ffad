/** Sends what stands in the editor: saved as the draft first, with a reason, and for how long it may stand unconfirmed. */
import { NativeSelect } from '@mantine/core'
import { useState } from 'react'
import {
  type GatewayName,
  saveConfigDraft,
  sendConfig,
  useConfigChange,
} from '../api/gateway-client.ts'
import { formatDuration } from '../i18n/format.ts'
import { useWords } from '../i18n/language.tsx'
import { FormDialog } from '../parts/form.tsx'
import { WordsField } from '../parts/words-field.tsx'

/** Two minutes are the server's own choice; a slow satellite link may want more. */
const waits = [30, 120, 600] as const
const USUAL_S = 120

interface SendDialogProps {
  of: GatewayName
  yaml: string
  /** Why it cannot be sent now; null when it can. */
  why: string | null
  onSent: () => void
}

export function SendDialog({ of, yaml, why, onSent }: SendDialogProps) {
  const { t, language } = useWords()
  const [reason, setReason] = useState('')
  const [confirmWithinS, setWait] = useState<number>(USUAL_S)
  const change = useConfigChange(of, async () => {
    await saveConfigDraft(of, { yaml })
    return await sendConfig(of, { reason, confirmWithinS })
  })
  const submit = ({ onSuccess }: { onSuccess: () => void }) =>
    change.mutate(undefined, {
      onSuccess: () => {
        onSuccess()
        setReason('')
        onSent()
      },
    })
  return (
    <FormDialog
      title={t('config.send')}
      submit={t('config.send-submit')}
      variant="filled"
      why={why}
      change={change}
      onSubmit={submit}
    >
      <WordsField
        label={t('reason')}
        description={t('config.send-help')}
        value={reason}
        onChange={setReason}
        maxLength={500}
      />
      <NativeSelect
        label={t('config.confirm-within')}
        data={waits.map((seconds) => ({
          value: String(seconds),
          label: formatDuration(seconds * 1000, language),
        }))}
        value={String(confirmWithinS)}
        onChange={(event) => setWait(Number(event.currentTarget.value))}
      />
    </FormDialog>
  )
}
