/** Pictures of the pages at the best moments of the story: two sizes, two languages, light and dark. */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Page } from 'playwright-core'

interface Look {
  width: number
  height: number
  language: 'en' | 'ja'
  scheme: 'light' | 'dark'
}

const looks: readonly Look[] = [
  { width: 1920, height: 1080, language: 'en', scheme: 'light' },
  { width: 390, height: 844, language: 'en', scheme: 'light' },
  { width: 390, height: 844, language: 'ja', scheme: 'dark' },
  { width: 1920, height: 1080, language: 'ja', scheme: 'dark' },
]
/** A chart redraws in the frame after its new size. */
const SETTLE_MS = 350

/** The button in the header that turns the language, by the language it turns to. */
const languageNames = { en: 'English', ja: '日本語' } as const

export interface Photographer {
  /** All looks of the page as it is now; the page is left as it was, and is never loaded anew. */
  shoot(page: Page, name: string): Promise<void>
}

export function createPhotographer(dir: string | undefined): Photographer {
  return {
    async shoot(page, name) {
      if (dir === undefined) return
      await mkdir(dir, { recursive: true })
      for (const look of looks) {
        await dress(page, look)
        const file = `${name}-${look.width}-${look.language}-${look.scheme}.png`
        await page.screenshot({ path: join(dir, file), fullPage: true })
      }
      await dress(page, looks[0] as Look)
    },
  }
}

async function dress(page: Page, { width, height, language, scheme }: Look): Promise<void> {
  await page.setViewportSize({ width, height })
  await page.emulateMedia({ colorScheme: scheme })
  const turn = page.getByRole('button', { name: languageNames[language], exact: true })
  if ((await turn.count()) > 0) await turn.click()
  // What the pointer or the focus left behind is no part of the page.
  await page.mouse.move(0, 0)
  await page.evaluate(() => window.scrollTo(0, 0))
  await page.waitForTimeout(SETTLE_MS)
}
