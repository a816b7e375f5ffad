/** Reads the targets a gateway announces in its NBIRTH; the text comes from outside and is checked field by field. */
import { consentModes, type TargetSummary, targetKinds } from '../../protocol/model.ts'

/** More targets than any site lists, and a bound for a hostile one. */
const MAX_TARGETS = 1_000
const MAX_TEXT = 200

/** Undefined when there is no list; entries that are no targets are left out. */
export function parseTargets(text: string | undefined): TargetSummary[] | undefined {
  if (text === undefined) return undefined
  try {
    const list: unknown = JSON.parse(text)
    if (!Array.isArray(list)) return undefined
    return list
      .slice(0, MAX_TARGETS)
      .map(toTarget)
      .filter((target) => target !== undefined)
  } catch {
    return undefined
  }
}

function toTarget(entry: unknown): TargetSummary | undefined {
  if (typeof entry !== 'object' || entry === null) return undefined
  const { id, kind, title, consent } = entry as Record<string, unknown>
  const knownKind = targetKinds.find((name) => name === kind)
  const knownConsent = consentModes.find((name) => name === consent)
  if (!isText(id) || !isText(title) || !knownKind || !knownConsent) return undefined
  return { id, kind: knownKind, title, consent: knownConsent }
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= MAX_TEXT
}
