/** What cases are told of the rest of the cloud: alarms, sessions, recordings, history, what is normal. */
import type { CaseFacts } from './cases/case-detail.ts'
import { summarise } from './flow.ts'
import { holeMsOf, normalOf } from './models-of.ts'
import type { Parts } from './parts.ts'

export function createFacts(parts: Parts): CaseFacts {
  const { config, historian, scoring } = parts
  return {
    alarmsOf: (caseId) => parts.alarms.list({ state: 'all', caseId }),
    attachAlarm: (alarm, caseId) => parts.alarms.attachCase(alarm, caseId),
    async sessionsOf(caseId) {
      const sites = config.fleet.sites.map(({ id }) => id)
      const all = await parts.sessions.list({ state: 'all', sites })
      return all.filter((session) => session.caseId === caseId)
    },
    async recordingOf(id) {
      const session = await parts.sessions.get(id)
      return session?.recorded ? await parts.sessions.recording(id) : undefined
    },
    summaryOf: (tag, from, to) => summarise(historian, tag, { from, to }),
    normalOf: (asset, tag) => normalOf(scoring, asset, tag),
    holeMs: (asset) => holeMsOf(parts.scored, asset),
    recoveryHoldMs: (asset) =>
      config.fleet.assets.find(({ id }) => id === asset)?.recovery.holdMs ?? 0,
  }
}
