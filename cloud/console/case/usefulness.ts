/** Whether the alarm helped, as a list to choose from: this is what later retrains the detector. */
import type { CloseRequest } from '../../../protocol/api.ts'
import { useWords } from '../i18n/language.tsx'

type Usefulness = CloseRequest['usefulness']
const values = {
  useful: true,
  'too-sensitive': true,
  'noisy-data': true,
  'wrong-data': true,
} as const satisfies Record<Usefulness, true>

const isUsefulness = (value: string): value is Usefulness => value in values

export function useUsefulness() {
  const { t } = useWords()
  const all = Object.keys(values).filter(isUsefulness)
  return {
    options: all.map((value) => ({ value, label: t(`usefulness.${value}`) })),
    parse: (value: string): Usefulness => (isUsefulness(value) ? value : 'useful'),
    say: (value: string) => (isUsefulness(value) ? t(`usefulness.${value}`) : value),
  }
}
