/** Key files: readable by their owner only, missing ones told apart from unreadable ones. */
import { chmod, readFile, writeFile } from 'node:fs/promises'
import { Fault } from '../../protocol/kit/fault.ts'

/** Writes a file that only its owner may read. */
export async function writePrivate(file: string, text: string): Promise<void> {
  await writeFile(file, text, { mode: 0o600 })
  // `mode` counts only for a new file.
  await chmod(file, 0o600)
}

/** The text, or undefined when there is no such file. */
export async function readText(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8')
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw new Fault('pki.unusable', { dir: file, file }, { cause })
  }
}
