/** The score of an asset over its alarm limit, in a window of its own, with the marks of what happened. */
import { useWords } from '../i18n/language.tsx'
