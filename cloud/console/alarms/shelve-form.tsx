/** Takes an alarm out of sight for some minutes, with a reason that stays on record. */
import { Button, Group, Modal, NumberInput, Stack, Textarea } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { type FormEvent, useState } from 'react'
import type { AlarmView } from '../../../protocol/api.ts'
import { shelveAlarm } from '../api/client.ts'
import { useWhyNot } from '../api/permission.tsx'
import { useChange } from '../api/queries.ts'
import { useWords } from '../i18n/language.tsx'
import { ActButton } from '../parts/act-button.tsx'
import { Problem } from '../parts/answer.tsx'

export function ShelveForm({ alarm }: { alarm: AlarmView }) {
  const { t } = useWords()
  const whyNot = useWhyNot()
  const [shown, { open, close }] = useDisclosure(false)
  const [minutes, setMinutes] = useState(30)
  const [reason, setReason] = useState('')
  const shelve = useChange(() => shelveAlarm(alarm.id, { minutes, reason }))
  const over = alarm.state === 'normal' ? t('alarm.is-over') : null
  const already = alarm.shelving === 'Unshelved' ? null : t('alarm.is-shelved')
  const onSubmit = (event: FormEvent) => {
    event.preventDefault()
    shelve.mutate(undefined, { onSuccess: close })
  }
  return (
    <>
      <ActButton variant="default" why={over ?? already ?? whyNot('alarm.shelve')} onClick={open}>
        {t('alarm.shelve')}
      </ActButton>
      <Modal
        opened={shown}
        onClose={close}
        title={t('alarm.shelve')}
        closeButtonProps={{ 'aria-label': t('dialog.close') }}
      >
        <Stack gap="sm" component="form" onSubmit={onSubmit}>
          <NumberInput
            label={t('alarm.shelve-minutes')}
            min={1}
            max={1440}
            clampBehavior="strict"
            allowDecimal={false}
            required
            value={minutes}
            onChange={(value) => setMinutes(Number(value))}
          />
          <Textarea
            label={t('reason')}
            required
            maxLength={1000}
            value={reason}
            onChange={(event) => setReason(event.currentTarget.value)}
          />
          {shelve.error && <Problem error={shelve.error} />}
          <Group>
            <Button type="submit" loading={shelve.isPending}>
              {t('alarm.shelve-submit')}
            </Button>
          </Group>
        </Stack>
      </Modal>
    </>
  )
}
