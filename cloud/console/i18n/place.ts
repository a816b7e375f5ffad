/** The language and time zone in which a site's times are shown. */
import { useFleet } from '../api/queries.ts'
import type { Place } from './format.ts'
import { useWords } from './language.tsx'

/** The site's time zone once the fleet is known; the browser's until then or without a site. */
export function usePlace(site?: string): Place {
  const { language } = useWords()
  const fleet = useFleet()
  const known = fleet.data?.sites.find(({ id }) => id === site) ?? fleet.data?.sites[0]
  return { language, timeZone: known?.timeZone }
}
