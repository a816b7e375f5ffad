/** The site's own policy file: which addresses a session may ever reach, and on what terms; the cloud cannot widen it. */
import { type Static, Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { sessionRights } from '../../protocol/grant.ts'
import { consentModes, type TargetSummary, targetKinds } from '../../protocol/model.ts'

const oneOf = <T extends string>(values: readonly T[], description?: string) =>
  Type.Enum([...values], { description })

export const weekdays = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const
export type Weekday = (typeof weekdays)[number]

const clock = (what: string) =>
  Type.String({
    pattern: '^([01][0-9]|2[0-3]):[0-5][0-9]$',
    description: `${what}: HH:MM, in the time zone of the site.`,
  })

/** Some hours of the week; `to` not after `from` means: until that time on the next day. */
export const ScheduleEntry = Type.Object(
  {
    days: Type.Array(oneOf(weekdays), {
      minItems: 1,
      description: 'Days on which the hours begin.',
    }),
    from: clock('Begin'),
    to: clock('End; not after `from`: on the next day'),
  },
  { additionalProperties: false, description: 'Some hours of the week.' },
)
export type ScheduleEntry = Static<typeof ScheduleEntry>

export const PolicyTarget = Type.Object(
  {
    // It travels as an HTTP/2 authority and stands in host names: nothing exotic.
    id: Type.String({
      pattern: '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$',
      description: 'Name of the target in requests and addresses.',
    }),
    kind: oneOf(targetKinds, 'How it is spoken to.'),
    title: Type.String({ minLength: 1, maxLength: 200, description: 'What people read.' }),
    host: Type.String({
      minLength: 1,
      maxLength: 253,
      pattern: '^[A-Za-z0-9.:_-]+$',
      description: 'Its address on the plant network; never told to the cloud.',
    }),
    port: Type.Integer({ minimum: 1, maximum: 65_535, description: 'Its TCP port.' }),
    consent: oneOf(consentModes, 'What the site wants before a session may begin.'),
    rights: Type.Array(oneOf(sessionRights), {
      minItems: 1,
      description: 'What a session may ever do here.',
    }),
    schedule: Type.Optional(
      Type.Array(ScheduleEntry, {
        minItems: 1,
        description: 'With consent schedule: when sessions may be open.',
      }),
    ),
    keySwitch: Type.Optional(
      Type.String({ description: 'With consent key-switch: id of the tag that must be true.' }),
    ),
    maxMinutes: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 480, description: 'Longest session in minutes.' }),
    ),
  },
  { additionalProperties: false },
)
export type PolicyTarget = Static<typeof PolicyTarget>

export const Policy = Type.Object(
  {
    $schema: Type.Optional(
      Type.String({ description: 'Where editors find the schema of this file; not read here.' }),
    ),
    targets: Type.Array(PolicyTarget, {
      maxItems: 500,
      description: 'What a session may ever reach; the cloud can narrow it, never widen it.',
    }),
  },
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
