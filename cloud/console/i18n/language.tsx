/** The language of the page: chosen by the person, kept in the browser, first taken from the browser. */
import { createContext, type ReactNode, useContext, useEffect, useMemo, useState } from 'react'
import { en, type MessageKey, type Messages } from './en.ts'
import { ja } from './ja.ts'

export const languages = { en: 'English', ja: '日本語' } as const
export type Language = keyof typeof languages

const messages = { en, ja } satisfies Record<Language, Messages>
const storageKey = 'mimamori-language'

/** Fills `{name}` in a message from the values. */
export function formatMessage(message: string, values: Record<string, string | number> = {}) {
  return message.replaceAll(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole))
}

export type Translate = (key: MessageKey, values?: Record<string, string | number>) => string
interface Words {
  language: Language
  setLanguage(language: Language): void
  t: Translate
}
const WordsContext = createContext<Words | null>(null)

function isLanguage(value: string | null): value is Language {
  return value !== null && value in languages
}

function firstLanguage(): Language {
  const kept = localStorage.getItem(storageKey)
  if (isLanguage(kept)) return kept
  return navigator.language.startsWith('ja') ? 'ja' : 'en'
}

export function LanguageProvider({ children }: { children: ReactNode }) {
  const [language, choose] = useState(firstLanguage)
  useEffect(() => {
    document.documentElement.lang = language
  }, [language])
  const words = useMemo<Words>(
    () => ({
      language,
      setLanguage: (next) => {
        localStorage.setItem(storageKey, next)
        choose(next)
      },
      t: (key, values) => formatMessage(messages[language][key], values),
    }),
    [language],
  )
  return <WordsContext value={words}>{children}</WordsContext>
}

/** The translate function and the language; only used below LanguageProvider. */
export function useWords(): Words {
  const words = useContext(WordsContext)
  if (!words) throw new Error('useWords outside of LanguageProvider')
  return words
}
