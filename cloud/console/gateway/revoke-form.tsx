/** Revokes every certificate of a gateway: for one that was stolen or copied. Asks for the reason, and says what it takes to come back. */
import { Text } from '@mantine/core'
import { useState } from 'react'
import { type GatewayName, useRevoke } from '../api/gateway-client.ts'
import { useWhyNot } from '../api/permission.tsx'
import { useWords } from '../i18n/language.tsx'
import { FormDialog } from '../parts/form.tsx'
import { WordsField } from '../parts/words-field.tsx'

export function RevokeForm({ of, isRevoked }: { of: GatewayName; isRevoked: boolean }) {
  const { t } = useWords()
  const why = useWhyNot()('gateway.revoke')
  const [reason, setReason] = useState('')
  const change = useRevoke(of)
  const submit = ({ onSuccess }: { onSuccess: () => void }) =>
    change.mutate(
      { reason },
      {
        onSuccess: () => {
          onSuccess()
          setReason('')
        },
      },
    )
  return (
    <FormDialog
      title={t('gateway.revoke')}
      about={of.gateway}
      submit={t('gateway.revoke-submit')}
      why={why ?? (isRevoked ? t('gateway.revoked') : null)}
      change={change}
      onSubmit={submit}
    >
      <Text size="sm">{t('gateway.revoke-help')}</Text>
      <WordsField
        label={t('reason')}
        description={t('gateway.revoke-reason')}
        value={reason}
        onChange={setReason}
        maxLength={500}
      />
    </FormDialog>
  )
}
