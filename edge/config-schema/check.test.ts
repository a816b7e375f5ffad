/** A corpus of configurations: each file says in its first lines, word for word, what the check must say of it. */
import { copyFile, mkdir, mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { isFault } from '../../protocol/kit/fault.ts'
import { credentialFiles } from '../credentials.ts'
import { type CheckOptions, checkGateway, loadCheckedGateway } from './check.ts'

const corpus = join(import.meta.dirname, 'corpus')
const MARK = '# says: '
/** In a file that is good enough to run. */
const WARNING_MARK = '# warns: '

/** A folder in which everything is there that the corpus names, but for what a case is about. */
async function openFolder(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'mimamori-corpus-'))
  await mkdir(join(dir, 'credentials'))
  for (const name of Object.values(credentialFiles)) {
    await writeFile(join(dir, 'credentials', name), '')
  }
  await writeFile(join(dir, 'server.pem'), '')
  for (const file of await readdir(corpus)) await copyFile(join(corpus, file), join(dir, file))
  return dir
}

/** Every line that is said of it, but for the last one of a good file. */
async function problemsOf(file: string, options?: CheckOptions): Promise<string[]> {
  try {
    return (await checkGateway(file, options)).split('\n').slice(0, -1)
  } catch (error) {
    if (isFault(error, 'config.invalid')) return String(error.detail.problems).split('\n')
    throw error
  }
}

const files = (await readdir(corpus)).filter((file) => !file.startsWith('policy-')).sort()

describe('mimamori edge check', () => {
  it('has forty wrong files to refuse', () => {
    expect(files.filter((file) => file !== 'good.yaml').length).toBeGreaterThanOrEqual(40)
  })

  it.each(files)('says what is wrong with %s, and no more', async (file) => {
    const dir = await openFolder()
    const text = await readFile(join(corpus, file), 'utf8')
    const expected = text
      .split('\n')
      .filter((line) => line.startsWith(MARK) || line.startsWith(WARNING_MARK))
      .map((line) => line.replace(WARNING_MARK, 'warning: ').replace(MARK, ''))
    expect(expected.length > 0).toBe(file !== 'good.yaml')
    const said = await problemsOf(join(dir, file))
    expect(said.map((line) => line.replaceAll(dir, '.'))).toEqual(expected)
  })

  it('is what `edge run` asks first: errors stop it, warnings do not', async () => {
    const dir = await openFolder()
    const { runGateway } = await import('../main.ts')
    const run = (file: string) => runGateway(join(dir, file), new AbortController().signal)
    const refused = { code: 'config.invalid' }
    await expect(run('opcua-event-polled.yaml')).rejects.toMatchObject(refused)
    await expect(run('target-own-page.yaml')).rejects.toMatchObject(refused)
    // It comes as far as the credentials, which are empty here.
    await expect(run('modbus-overlap.yaml')).rejects.not.toMatchObject(refused)
    const { warnings } = await loadCheckedGateway(join(dir, 'modbus-overlap.yaml'))
    expect(warnings).toHaveLength(1)
  })

  it('leaves files of another machine alone when it is told so', async () => {
    const dir = await openFolder()
    const file = join(dir, 'credentials-missing.yaml')
    expect(await problemsOf(file)).toHaveLength(4)
    expect(await problemsOf(file, { elsewhere: true })).toEqual([])
  })
})
