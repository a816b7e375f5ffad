/** What a schema cannot say of groups and tags: names twice, rules that contradict themselves, tags nobody can read. */
import type { ConfigProblem, Path } from '../../protocol/kit/schema.ts'
import type { DeviceConfig, GroupConfig, TagConfig } from '../device-config.ts'

/** Everything wrong with the groups and tags of one device. */
export function lintTags(device: DeviceConfig, path: Path): ConfigProblem[] {
  return device.groups.flatMap((group, g) => {
    const place = [...path, 'groups', g]
    return [
      ...lintGroup(group, device.groups.slice(0, g), place),
      ...group.tags.flatMap((tag, t) => lintRule(tag, [...place, 'tags', t])),
    ]
  })
}

function lintGroup(group: GroupConfig, before: GroupConfig[], path: Path): ConfigProblem[] {
  const problems: ConfigProblem[] = []
  const twin = before.findIndex(({ name }) => name === group.name)
  if (twin >= 0)
    problems.push({ path: [...path, 'name'], say: `groups[${twin}] has this name too` })
  if (group.mode === 'poll' && group.maxSilenceMs < group.intervalMs) {
    const say = `shorter than intervalMs ${group.intervalMs}: nothing is read in between`
    problems.push({ path: [...path, 'maxSilenceMs'], say, isWarning: true })
  }
  return problems
}

const numericRules = ['scale', 'offset', 'min', 'max', 'deadband'] as const

function lintRule(config: TagConfig, path: Path): ConfigProblem[] {
  const { tag, scale, min, max } = config
  const problems = lintWrite(config, path)
  if (tag.type === 'Boolean' || tag.type === 'String') {
    for (const rule of numericRules) {
      if (config[rule] === undefined) continue
      problems.push({ path: [...path, rule], say: `is for numbers; this tag is a ${tag.type}` })
    }
    return problems
  }
  if (scale === 0) {
    problems.push({ path: [...path, 'scale'], say: 'a scale of 0 makes every value the same' })
  }
  if (min !== undefined && max !== undefined && min >= max) {
    problems.push({ path: [...path, 'min'], say: `not below max ${max}: no value would be good` })
  }
  return [...problems, ...lintRange(config, path)]
}

function lintWrite({ tag, write }: TagConfig, path: Path): ConfigProblem[] {
  const place = [...path, 'write']
  const { min, max } = write ?? {}
  if (min === undefined && max === undefined) return []
  if (tag.type === 'Boolean' || tag.type === 'String') {
    return [{ path: place, say: `limits are for numbers; this tag is a ${tag.type}` }]
  }
  if (min === undefined || max === undefined || min <= max) return []
  return [{ path: place, say: `min ${min} is above max ${max}: nothing could be written` }]
}

/** The largest and smallest number a narrow type holds. */
const ranges: Readonly<Record<string, readonly [number, number]>> = {
  Int8: [-128, 127],
  Int16: [-32_768, 32_767],
  Int32: [-2_147_483_648, 2_147_483_647],
  UInt8: [0, 255],
  UInt16: [0, 65_535],
  UInt32: [0, 4_294_967_295],
}

/** Limits that leave nothing of the type's own range: the tag would be bad for ever. */
function lintRange({ tag, min, max }: TagConfig, path: Path): ConfigProblem[] {
  const range = ranges[tag.type]
  if (!range) return []
  const [low, high] = range
  if (min !== undefined && min > high) {
    return [{ path: [...path, 'min'], say: `${tag.type} is never above ${high}` }]
  }
  if (max !== undefined && max < low) {
    return [{ path: [...path, 'max'], say: `${tag.type} is never below ${low}` }]
  }
  return []
}
