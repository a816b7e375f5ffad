/** TEST equipment: the built console; what `npm ci` built is taken when it is newer than all that it was built from. */
import { existsSync, globSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { build } from 'vite'

const root = resolve(import.meta.dirname, '../../..')
const dist = join(root, 'cloud/console/dist')
const sources = [
  'cloud/console/**/*.{ts,tsx,css,html,svg}',
  'protocol/*.ts',
  'vite.config.ts',
  'package-lock.json',
]
/** Not part of the page. */
const isSource = (path: string) => !/^cloud\/console\/(dist|test)\/|\.test\.ts$/.test(path)

function isFresh(): boolean {
  const page = join(dist, 'index.html')
  if (!existsSync(page)) return false
  const builtAt = statSync(page).mtimeMs
  return globSync(sources, { cwd: root })
    .filter(isSource)
    .every((path) => statSync(join(root, path)).mtimeMs < builtAt)
}

/** The folder with the console as its sources are now; disposing it removes what was built for this test. */
export async function openBuilt() {
  if (isFresh()) return { folder: dist, [Symbol.dispose]() {} }
  const folder = mkdtempSync(join(tmpdir(), 'console-'))
  const configFile = join(root, 'vite.config.ts')
  await build({ configFile, logLevel: 'error', build: { outDir: folder } })
  return { folder, [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }) }
}
