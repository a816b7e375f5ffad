/** A form that sends one change: its fields, what went wrong, and the button; and the same in a dialog behind a button. */
import { Group, Modal, Stack } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import type { FormEvent, ReactNode } from 'react'
import { useWords } from '../i18n/language.tsx'
import { ActButton } from './act-button.tsx'
import { Problem } from './answer.tsx'

/** What a form needs to know of the change it sends; a mutation of TanStack Query has this shape. */
interface Change {
  isPending: boolean
  error: Error | null
}

interface FormProps {
  change: Change
  /** The words of the button that sends. */
  submit: string
  /** Why it may not be sent; null when it may. */
  why?: string | null
  onSubmit: () => void
  children?: ReactNode
}

export function Form({ change, submit, why = null, onSubmit, children }: FormProps) {
  const send = (event: FormEvent) => {
    event.preventDefault()
    onSubmit()
  }
  return (
    <Stack gap="xs" component="form" onSubmit={send}>
      {children}
      {change.error && <Problem error={change.error} />}
      <Group>
        <ActButton type="submit" why={why} loading={change.isPending}>
          {submit}
        </ActButton>
      </Group>
    </Stack>
  )
}

interface FormDialogProps extends Omit<FormProps, 'onSubmit'> {
  /** The words of the button that opens it, and its heading. */
  title: string
  /** What else tells this dialog from others with the same button, e.g. the version. */
  about?: string
  variant?: string
  /** Sends; to be told when it is done, so that the dialog closes. */
  onSubmit: (done: { onSuccess: () => void }) => void
}

/** `why` greys the button that opens it: what cannot be sent need not be filled in. */
export function FormDialog(props: FormDialogProps) {
  const { title, about, why, variant = 'default', onSubmit, ...form } = props
  const { t } = useWords()
  const [shown, { open, close }] = useDisclosure(false)
  return (
    <>
      <ActButton variant={variant} why={why ?? null} onClick={open}>
        {title}
      </ActButton>
      <Modal
        opened={shown}
        onClose={close}
        title={about ? `${title}: ${about}` : title}
        closeButtonProps={{ 'aria-label': t('dialog.close') }}
      >
        <Form {...form} onSubmit={() => onSubmit({ onSuccess: close })} />
      </Modal>
    </>
  )
}
