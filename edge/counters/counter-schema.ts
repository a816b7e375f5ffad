/** What a tag's `counter:` may say, the tags that come of it, and what can be wrong with it. */
import { type Static, Type } from 'typebox'
import type { ConfigProblem, Path } from '../../protocol/kit/schema.ts'
import type { Tag, TagId } from '../../protocol/model.ts'

/** Uses behind one failure ratio: fewer say little about one in a thousand. */
const DEFAULT_RATIO_OVER = 500

export const CounterSchema = Type.Object(
  {
    rollover: Type.Optional(
      Type.Integer({
        minimum: 2,
        description:
          'It starts again at 0 after this many, e.g. 65536; without: a fall is a reset.',
      }),
    ),
    serial: Type.Optional(
      Type.String({
        minLength: 1,
        description: 'Tag of this device with the serial number: another one is another part.',
      }),
    ),
    failures: Type.Optional(
      Type.String({
        minLength: 1,
        description: 'Counter tag of this device that counts what failed; gives a failure ratio.',
      }),
    ),
    failuresAre: Type.Union([Type.Literal('apart'), Type.Literal('within')], {
      default: 'apart',
      description: 'apart: this tag counts successes only; within: it counts the failed ones too.',
    }),
    ratioOver: Type.Integer({
      minimum: 1,
      maximum: 1_000_000,
      default: DEFAULT_RATIO_OVER,
      description: 'The ratio is of the last so many uses.',
    }),
  },
  {
    additionalProperties: false,
    description: 'The tag counts up: resets, rollover and exchanged parts are told apart.',
  },
)
export type CounterConfig = Static<typeof CounterSchema>

/** A counter with the tags it reads and makes. */
export interface CounterPlan {
  tag: TagId
  rollover?: number
  serial?: TagId
  failures?: TagId
  failuresAre: CounterConfig['failuresAre']
  ratioOver: number
  life: Tag
  event: Tag
  ratio?: Tag
}

export interface CounterTag {
  tag: Tag
  counter?: CounterConfig
}

/** The plans of one device; names that do not exist are left out here and told by `lintCounters`. */
export function planCounters(tags: readonly CounterTag[]): CounterPlan[] {
  const idOf = new Map(tags.map(({ tag }) => [tag.name, tag.id]))
  return tags.flatMap(({ tag, counter }): CounterPlan[] => {
    if (!counter) return []
    const { rollover, serial = '', failures = '', failuresAre, ratioOver } = counter
    const derive = (suffix: string, rest: Pick<Tag, 'type' | 'unit' | 'description'>): Tag => ({
      id: `${tag.id}/${suffix}`,
      name: `${tag.name}/${suffix}`,
      address: {},
      ...rest,
    })
    return [
      {
        tag: tag.id,
        rollover,
        serial: idOf.get(serial),
        failures: idOf.get(failures),
        failuresAre,
        ratioOver,
        life: derive('Life', {
          type: 'Int64',
          unit: tag.unit,
          description: 'Counted by the part in place, over resets and rollovers',
        }),
        event: derive('Event', {
          type: 'String',
          description: 'What happened to the counter: reset, rollover, part exchanged',
        }),
        ratio: idOf.has(failures)
          ? derive('FailureRatio', {
              type: 'Double',
              description: `Failures by uses, of the last ${ratioOver} uses`,
            })
          : undefined,
      },
    ]
  })
}

/** The tags that counters of a device make. */
export function derivedTags(plans: readonly CounterPlan[]): Tag[] {
  return plans.flatMap(({ life, event, ratio }) => (ratio ? [life, event, ratio] : [life, event]))
}

/** `pathOf` says where a tag of the list stands in the file. */
export function lintCounters(
  tags: readonly CounterTag[],
  pathOf: (index: number) => Path,
): ConfigProblem[] {
  const byName = new Map(tags.map((one) => [one.tag.name, one]))
  const problems: ConfigProblem[] = []
  tags.forEach(({ tag, counter }, index) => {
    if (!counter) return
    const complain = (key: string, say: string) =>
      problems.push({ path: [...pathOf(index), 'counter', ...(key ? [key] : [])], say })
    if (!isInteger(tag)) complain('', `a counter is an integer, ${tag.name} is ${tag.type}`)
    const { serial, failures } = counter
    if (serial !== undefined && !byName.has(serial))
      complain('serial', `this device has no tag "${serial}"`)
    const failed = failures === undefined ? undefined : byName.get(failures)
    if (failures !== undefined && !failed)
      complain('failures', `this device has no tag "${failures}"`)
    else if (failed && (failures === tag.name || !isInteger(failed.tag)))
      complain('failures', `"${failures}" must be another tag that counts in integers`)
    for (const made of derivedTags(planCounters([{ tag, counter }])))
      if (byName.has(made.name)) complain('', `the tag "${made.name}" is made by this counter`)
  })
  return problems
}

function isInteger(tag: Tag): boolean {
  return /^U?Int(8|16|32|64)$/.test(tag.type)
}
