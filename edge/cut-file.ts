/** Whether remote access was cut at the site, over restarts: one file with the reason. What cannot be read or written keeps the door shut. */
import { open, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Parts } from './status.ts'

/** While this file exists remote access stays cut; it holds the reason. */
const CUT_FILE = 'remote-access-cut.txt'
/** A disk that refuses is asked again after this. */
const RETRY_MS = 1_000

type Place = Pick<Parts, 'dialer' | 'log'> & { dataDir: string }

/** The reason; undefined: it was not cut. */
export async function readCut(dataDir: string): Promise<string | undefined> {
  try {
    return await readFile(join(dataDir, CUT_FILE), 'utf8')
  } catch (error) {
    const isAbsent = (error as NodeJS.ErrnoException).code === 'ENOENT'
    return isAbsent ? undefined : 'it cannot be read whether it was cut'
  }
}

/** On the disk when it resolves, for whoever cuts may pull the plug next; a disk that refuses is asked until it does not. */
export async function keepCut(place: Place, reason: string, isFirst = true): Promise<void> {
  const { dataDir, dialer, log } = place
  try {
    {
      await using file = await open(join(dataDir, CUT_FILE), 'w', 0o600)
      await file.writeFile(reason)
      await file.sync()
    }
    await using folder = await open(dataDir, 'r')
    await folder.sync()
  } catch (error) {
    if (isFirst) {
      log.error({ error }, 'remote access is cut, and a restart would open it: the disk refuses')
    }
    const again = () => {
      if (dialer.killedBy() === reason) void keepCut(place, reason, false)
    }
    setTimeout(again, RETRY_MS).unref()
  }
}

/** Throws what the disk says: then it stays cut. */
export async function forgetCut(dataDir: string): Promise<void> {
  await rm(join(dataDir, CUT_FILE), { force: true })
}
