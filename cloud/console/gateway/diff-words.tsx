/** What a configuration changes, in words: devices, settings, tags, and what is not disturbed. */
import { Text } from '@mantine/core'
import type { ConfigDiff } from '../../../protocol/api-gateway-config.ts'
import { useWords } from '../i18n/language.tsx'
import { Nothing } from '../parts/answer.tsx'

/** More names than this are counted. */
const MAX_NAMES = 30

function useNames(): (names: readonly string[]) => string {
  const { language } = useWords()
  const list = new Intl.ListFormat(language, { style: 'narrow' })
  return (names) =>
    names.length > MAX_NAMES
      ? `${list.format(names.slice(0, MAX_NAMES))} … (${names.length})`
      : list.format(names)
}

export function DiffWords({ diff }: { diff: ConfigDiff }) {
  const { t } = useWords()
  const names = useNames()
  const { added, removed, changed, untouched } = diff
  const isEmpty = added.length + removed.length + changed.length === 0
  return (
    <>
      {isEmpty && <Nothing>{t('diff.none')}</Nothing>}
      <ul className="diff">
        {added.map(({ device, tags }) => (
          <li key={`+${device}`} data-sign="+">
            {t('diff.added', { device, count: tags })}
          </li>
        ))}
        {removed.map(({ device, tags }) => (
          <li key={`-${device}`} data-sign="−">
            {t('diff.removed', { device, count: tags })}
          </li>
        ))}
        {changed.map((one) => (
          <li key={`~${one.device}`} data-sign="~">
            {t('diff.changed', { device: one.device })}
            <ChangedDevice changed={one} />
          </li>
        ))}
      </ul>
      {untouched.length > 0 && (
        <Text size="xs" c="dimmed">
          {t('diff.untouched', { devices: names(untouched) })}
        </Text>
      )}
    </>
  )
}

function ChangedDevice({ changed }: { changed: ConfigDiff['changed'][number] }) {
  const { t } = useWords()
  const names = useNames()
  const { settings, tagsAdded, tagsRemoved, tagsChanged } = changed
  const shown = (value: string) => (value === '' ? t('diff.empty') : value)
  return (
    <ul className="bullets">
      {settings.map(({ name, from, to }) => (
        <li key={name}>{t('diff.setting', { name, from: shown(from), to: shown(to) })}</li>
      ))}
      {tagsAdded.length > 0 && <li>{t('diff.tags-added', { tags: names(tagsAdded) })}</li>}
      {tagsRemoved.length > 0 && <li>{t('diff.tags-removed', { tags: names(tagsRemoved) })}</li>}
      {tagsChanged.map(({ tag, what }) => (
        <li key={tag}>{t('diff.tag-changed', { tag, what: names(what) })}</li>
      ))}
    </ul>
  )
}
