/** A private key and its certificate in one file, so that there are always both or neither: written beside, synced, renamed. */
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'

/** PEM texts. */
export interface Pair {
  key: string
  cert: string
}

/** The steps of the disk, so that a test can end the world between any two of them. */
export interface Disk {
  /** A file that only its owner may read, with its bytes on the disk when it resolves. */
  write(file: string, text: string): Promise<void>
  rename(from: string, to: string): Promise<void>
  /** The names in the folder are on the disk. */
  syncFolder(dir: string): Promise<void>
}

export const disk: Disk = {
  async write(file, text) {
    const handle = await open(file, 'w', 0o600)
    try {
      await handle.writeFile(text)
      await handle.sync()
    } finally {
      await handle.close()
    }
  },
  rename,
  async syncFolder(dir) {
    const handle = await open(dir, 'r')
    try {
      await handle.sync()
    } finally {
      await handle.close()
    }
  },
}

/** Durable when it resolves; a crash before leaves what was there. */
export async function writePair(file: string, { key, cert }: Pair, on: Disk = disk): Promise<void> {
  const dir = dirname(file)
  await mkdir(dir, { recursive: true, mode: 0o700 })
  await on.write(`${file}.new`, `${key.trim()}\n${cert.trim()}\n`)
  await on.rename(`${file}.new`, file)
  await on.syncFolder(dir)
}

export async function removeFile(file: string): Promise<void> {
  await rm(file, { force: true })
}

/** Undefined: there is no such file, or not both are in it. */
export async function readPairFile(file: string): Promise<Pair | undefined> {
  const text = await readFile(file, 'utf8').catch(() => '')
  const key = /-----BEGIN PRIVATE KEY-----[^-]+-----END PRIVATE KEY-----\n/.exec(text)?.[0]
  const cert = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----\n/.exec(text)?.[0]
  return key !== undefined && cert !== undefined ? { key, cert } : undefined
}
