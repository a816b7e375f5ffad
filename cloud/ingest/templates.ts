/** Template instances as plain metrics: each member is a metric of its own, named `instance/member`. */
import type { Metric } from '../../protocol/sparkplug/payload.ts'
import type { Template } from '../../protocol/sparkplug/rich-values.ts'

/**
 * Members keep their own time, quality and alias; parameters are no process values and are left out. An instance whose
 * alias no birth gave stays as it is, and is then an unknown metric like any other.
 */
export function flattenTemplates(
  metrics: readonly Metric[],
  nameOf: (alias: number) => string | undefined = () => undefined,
): readonly Metric[] {
  if (!metrics.some(({ rich }) => rich?.kind === 'Template')) return metrics
  return metrics.flatMap((metric) => {
    const name = metric.name ?? nameOf(metric.alias ?? -1)
    const template = instanceOf(metric)
    return template && name !== undefined ? flatten(template, { ...metric, name }) : [metric]
  })
}

function flatten(template: Template, outer: Metric): Metric[] {
  return template.metrics.flatMap((member) => {
    const metric: Metric = { ...member, at: member.at ?? outer.at }
    if (member.name !== undefined) metric.name = `${outer.name}/${member.name}`
    if (outer.historical) metric.historical = true
    const inner = instanceOf(member)
    return inner && metric.name !== undefined ? flatten(inner, metric) : [metric]
  })
}

/** A definition describes; only an instance has values. */
function instanceOf({ rich }: Metric): Template | undefined {
  return rich?.kind === 'Template' && !rich.isDefinition ? rich : undefined
}
