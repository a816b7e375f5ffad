/** OPC UA severity 1..1000 in four bands that people can tell apart. */
export type SeverityBand = 'low' | 'medium' | 'high' | 'urgent'

export function severityBand(severity: number): SeverityBand {
  if (severity > 800) return 'urgent'
  if (severity > 600) return 'high'
  if (severity > 300) return 'medium'
  return 'low'
}
