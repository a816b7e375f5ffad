/** What the gateway must not forget about grants: which were used, which sessions have ended; survives a restart. */
import { appendFileSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { GRANT_OPEN_WINDOW_MS, GRANT_SKEW_MS } from '../../protocol/grant.ts'

/** After this a grant is refused as expired, used or not. */
const BURNED_FOR_MS = GRANT_OPEN_WINDOW_MS + 2 * GRANT_SKEW_MS
/** Longer than any session's window (480 minutes). */
const ENDED_FOR_MS = 24 * 3_600_000
/** Lines in the file before it is written anew without the outdated ones. */
const COMPACT_AFTER_LINES = 5_000

type Kind = 'burned' | 'ended'

export interface GrantMemory {
  /** False when this grant was used before: test and set in one step. */
  burn(jti: string, now: number): boolean
  endSession(session: string, now: number): void
  isEnded(session: string): boolean
}

/**
 * Without a file it remembers as long as the process lives. Written synchronously, some 50 bytes a stream, before
 * the stream opens; not synced: a power cut may forget the last grants, each worthless half a minute later.
 */
export function openGrantMemory(file: string | undefined, now: number): GrantMemory {
  const known: Record<Kind, Map<string, number>> = { burned: new Map(), ended: new Map() }
  if (file !== undefined) load(file, known)
  prune(known, now)
  try {
    if (file !== undefined) compact(file, known)
  } catch {
    // A disk that takes nothing must not keep the gateway from starting: the file stays as it is, and until it can be
    // written again every grant is refused.
  }
  let lines = 0

  const remember = (kind: Kind, id: string, until: number, at: number) => {
    known[kind].set(id, until)
    if (lines++ >= COMPACT_AFTER_LINES) {
      lines = 0
      prune(known, at)
      if (file !== undefined) compact(file, known)
    } else if (file !== undefined) {
      appendFileSync(file, formatLine(kind, id, until), { mode: 0o600 })
    }
  }
  return {
    burn(jti, at) {
      if (known.burned.has(jti)) return false
      remember('burned', jti, at + BURNED_FOR_MS, at)
      return true
    },
    endSession: (session, at) => remember('ended', session, at + ENDED_FOR_MS, at),
    isEnded: (session) => known.ended.has(session),
  }
}

function formatLine(kind: Kind, id: string, until: number): string {
  return `${JSON.stringify([kind, id, until])}\n`
}

function load(file: string, known: Record<Kind, Map<string, number>>): void {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return
    throw error
  }
  for (const line of text.split('\n')) {
    // The last line of a killed process may be half written: its stream never opened.
    const match = /^\["(burned|ended)","([^"]+)",(\d+)\]$/.exec(line)
    if (match?.[1] && match[2]) known[match[1] as Kind].set(match[2], Number(match[3]))
  }
}

function prune(known: Record<Kind, Map<string, number>>, now: number): void {
  for (const map of Object.values(known)) {
    for (const [id, until] of map) if (until < now) map.delete(id)
  }
}

function compact(file: string, known: Record<Kind, Map<string, number>>): void {
  const lines = (Object.keys(known) as Kind[]).flatMap((kind) =>
    [...known[kind]].map(([id, until]) => formatLine(kind, id, until)),
  )
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(`${file}.new`, lines.join(''), { mode: 0o600 })
  renameSync(`${file}.new`, file)
}
