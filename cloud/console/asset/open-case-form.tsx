/** Opens a case by hand, for trouble that no rule saw. */
import { Button, Group, Modal, Stack, TextInput } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { type FormEvent, useState } from 'react'
import { openCase } from '../api/client.ts'
import { useWhyNot } from '../api/permission.tsx'
import { useChange } from '../api/queries.ts'
import { useWords } from '../i18n/language.tsx'
import { ActButton } from '../parts/act-button.tsx'
import { Problem } from '../parts/answer.tsx'

export function OpenCaseForm({ asset }: { asset: string }) {
  const { t } = useWords()
  const whyNot = useWhyNot()
  const [shown, { open, close }] = useDisclosure(false)
  const [title, setTitle] = useState('')
  const change = useChange(openCase)
  const onSubmit = (event: FormEvent) => {
    event.preventDefault()
    change.mutate({ asset, title }, { onSuccess: close })
  }
  return (
    <>
      <ActButton variant="default" why={whyNot('case.work')} onClick={open}>
        {t('case.open')}
      </ActButton>
      <Modal
        opened={shown}
        onClose={close}
        title={t('case.open')}
        closeButtonProps={{ 'aria-label': t('dialog.close') }}
      >
        <Stack gap="sm" component="form" onSubmit={onSubmit}>
          <TextInput
            label={t('case.title')}
            required
            minLength={3}
            maxLength={200}
            value={title}
            onChange={(event) => setTitle(event.currentTarget.value)}
          />
          {change.error && <Problem error={change.error} />}
          <Group>
            <Button type="submit" loading={change.isPending}>
              {t('case.open-submit')}
            </Button>
          </Group>
        </Stack>
      </Modal>
    </>
  )
}
