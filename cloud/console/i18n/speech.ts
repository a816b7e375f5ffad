/** The server's sentences on a page: language from the person, times from the site. */
import { formatInstant } from './format.ts'
import { useWords } from './language.tsx'
import { usePlace } from './place.ts'
import { sayText } from './said.ts'

/** Says a sentence of the server in the person's language. */
export function useSayText(site?: string): (text: string) => string {
  const { t } = useWords()
  const place = usePlace(site)
  return (text) => sayText(text, { t, sayInstant: (at) => formatInstant(at, 'full', place) })
}
