/** The site's own policy file: which addresses a session may ever reach, and on what terms; the cloud cannot widen it. */
import { type Static, Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { sessionRights } from '../../protocol/grant.ts'
import { consentModes, type TargetSummary, targetKinds } from '../../protocol/model.ts'

const oneOf = <T extends string>(values: readonly T[]) => Type.Enum([...values])

export const weekdays = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const
export type Weekday = (typeof weekdays)[number]

const clock = Type.String({
  pattern: '^([01][0-9]|2[0-3]):[0-5][0-9]$',
  description: 'HH:MM, in the time zone of the site',
})

/** Some hours of the week; `to` not after `from` means: until that time on the next day. */
export const ScheduleEntry = Type.Object(
  { days: Type.Array(oneOf(weekdays), { minItems: 1 }), from: clock, to: clock },
  { additionalProperties: false },
)
export type ScheduleEntry = Static<typeof ScheduleEntry>

export const PolicyTarget = Type.Object(
  {
    // It travels as an HTTP/2 authority and stands in host names: nothing exotic.
    id: Type.String({ pattern: '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$' }),
    kind: oneOf(targetKinds),
    title: Type.String({ minLength: 1, maxLength: 200 }),
    host: Type.String({ minLength: 1, maxLength: 253, pattern: '^[A-Za-z0-9.:_-]+$' }),
    port: Type.Integer({ minimum: 1, maximum: 65_535 }),
    consent: oneOf(consentModes),
    rights: Type.Array(oneOf(sessionRights), { minItems: 1 }),
    schedule: Type.Optional(Type.Array(ScheduleEntry, { minItems: 1 })),
    keySwitch: Type.Optional(Type.String({ description: 'id of the tag that must be true' })),
    maxMinutes: Type.Optional(Type.Integer({ minimum: 1, maximum: 480 })),
  },
  { additionalProperties: false },
)
export type PolicyTarget = Static<typeof PolicyTarget>

export const Policy = Type.Object(
  { targets: Type.Array(PolicyTarget, { maxItems: 500 }) },
  { additionalProperties: false },
)
export type Policy = Static<typeof Policy>

export interface PolicyProblem {
  /** e.g. `/targets/0/port` */
  path: string
  problem: string
}

const validator = Compile(Policy)

/** Everything that is wrong with a policy read from a file; empty: it is a `Policy`. */
export function policyProblems(value: unknown): PolicyProblem[] {
  if (!validator.Check(value)) {
    return validator
      .Errors(value)
      .map(({ instancePath, message }) => ({ path: instancePath || '/', problem: message }))
  }
  return value.targets.flatMap((target, index) =>
    targetProblems(target, value.targets.slice(0, index)).map((problem) => ({
      path: `/targets/${index}`,
      problem,
    })),
  )
}

function targetProblems(target: PolicyTarget, before: readonly PolicyTarget[]): string[] {
  const problems: string[] = []
  if (before.some(({ id }) => id === target.id)) {
    problems.push(`a second target has the id "${target.id}"`)
  }
  if (target.consent === 'schedule' && !target.schedule) {
    problems.push('consent "schedule" needs "schedule"')
  }
  if (target.consent === 'key-switch' && !target.keySwitch) {
    problems.push('consent "key-switch" needs "keySwitch"')
  }
  return problems
}

/** What the cloud is told about the targets: never the address. */
export function summaries(policy: Policy): TargetSummary[] {
  return policy.targets.map(({ id, kind, title, consent }) => ({ id, kind, title, consent }))
}
