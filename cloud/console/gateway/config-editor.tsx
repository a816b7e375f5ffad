/** The draft of a gateway's devices: edited, checked by the gateway itself, saved, sent. */
import { Button, Group, Stack, Text } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import type { ConfigCheckView, GatewayConfigView } from '../../../protocol/api-gateway-config.ts'
import {
  cancelConfig,
  checkConfig,
  isUnderWay,
  saveConfigDraft,
  useConfigChange,
} from '../api/gateway-client.ts'
import { useWords } from '../i18n/language.tsx'
import { ActButton } from '../parts/act-button.tsx'
import { Problem } from '../parts/answer.tsx'
import { Mark } from '../parts/mark.tsx'
import { DiffWords } from './diff-words.tsx'
import { SendDialog } from './send-dialog.tsx'
import { YamlEditor } from './yaml-editor.tsx'

interface ConfigEditorProps {
  view: GatewayConfigView
  /** The draft is another one now: begin anew with it. */
  onRenew: () => void
}

/** What stood in the editor when it was checked, and what the gateway said of it. */
interface Checked {
  yaml: string
  result: ConfigCheckView
}

export function ConfigEditor({ view, onRenew }: ConfigEditorProps) {
  const { t } = useWords()
  const { draft, present } = view
  // Null: nothing was typed, and the editor shows what is there, also when that becomes another text.
  const [typed, setTyped] = useState<string | null>(null)
  const yaml = typed ?? draft?.yaml ?? present?.yaml ?? ''
  const check = useMutation<Checked, Error, string>({
    mutationFn: async (text) => ({ yaml: text, result: await checkConfig(view, { yaml: text }) }),
  })
  const save = useConfigChange(view, () => saveConfigDraft(view, { yaml }))
  const discard = useConfigChange(view, () => cancelConfig(view, { reason: t('config.discard') }))
  const unreachable = view.reachable ? null : t('config.unreachable')
  const whyNotSend = useWhyNotSend(view, check.data?.yaml === yaml ? check.data.result : undefined)
  return (
    <Stack gap="xs">
      {draft && <DraftNote view={view} />}
      <YamlEditor
        label={t('config.editor')}
        description={t('config.editor-help')}
        value={yaml}
        problems={check.data?.result.problems ?? []}
        onChange={setTyped}
      />
      {check.data && <Verdict checked={check.data} yaml={yaml} />}
      {[check, save, discard].map(
        ({ error }) => error && <Problem key={error.message} error={error} />,
      )}
      <Group gap="xs">
        <ActButton
          variant="default"
          why={unreachable}
          loading={check.isPending}
          onClick={() => check.mutate(yaml)}
        >
          {t('config.check')}
        </ActButton>
        <SendDialog of={view} yaml={yaml} why={whyNotSend} onSent={onRenew} />
        <Button variant="default" loading={save.isPending} onClick={() => save.mutate(undefined)}>
          {t(draft?.yaml === yaml ? 'config.saved' : 'config.save')}
        </Button>
        {draft && !isUnderWay(view.versions[0]?.state) && (
          <Button
            variant="default"
            loading={discard.isPending}
            onClick={() => discard.mutate(undefined, { onSuccess: onRenew })}
          >
            {t('config.discard')}
          </Button>
        )}
      </Group>
    </Stack>
  )
}

/** The first thing that stands in the way. */
function useWhyNotSend(view: GatewayConfigView, checked: ConfigCheckView | undefined) {
  const { t } = useWords()
  const [newest] = view.versions
  if (!view.reachable) return t('config.unreachable')
  if (view.present?.allowed === false) return t('config.not-allowed')
  if (newest && isUnderWay(newest.state)) return t('config.busy', { version: newest.version })
  if (!checked) return t('config.unchecked')
  return checked.problems.length > 0
    ? t('config.problems', { count: checked.problems.length })
    : null
}

function DraftNote({ view: { draft, present } }: { view: GatewayConfigView }) {
  const { t } = useWords()
  if (!draft) return null
  return (
    <div className="marks">
      <Mark tone="info">{t('config.draft-of', { person: draft.createdBy })}</Mark>
      {present && draft.base !== present.hash && <Mark tone="warn">{t('config.outdated')}</Mark>}
    </div>
  )
}

function Verdict({ checked: { yaml: then, result }, yaml }: { checked: Checked; yaml: string }) {
  const { t } = useWords()
  const { problems, diff } = result
  return (
    <div role="status">
      <Mark tone={problems.length > 0 ? 'bad' : 'good'}>
        {problems.length > 0
          ? t('config.problems', { count: problems.length })
          : t('config.nothing-wrong')}
      </Mark>
      {then !== yaml && (
        <Text size="xs" data-tone="warn">
          {t('config.changed-since')}
        </Text>
      )}
      {diff && <DiffWords diff={diff} />}
    </div>
  )
}
