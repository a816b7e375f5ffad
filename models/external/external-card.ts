/** The card of a model that was trained elsewhere: what is known of it here, and what is not. */
import type { Manifest } from '../manifest.ts'

/** Markdown; the same manifest gives the same text. */
export function formatExternalCard(manifest: Manifest): string {
  const { name, tags, periodMs, windowRows, input, outputs, threshold, external, training } =
    manifest
  const share = ((manifest.metrics.normalAboveShare ?? 0) * 100).toFixed(2)
  const lines = [
    `# ${name}`,
    '',
    `Trained elsewhere; ${tags.length} tags, one row every ${periodMs / 1000} s, a window is ${windowRows} row(s).`,
    `Input \`${input}\`, score \`${outputs.score}\`; ${external?.abnormal ?? 'high'} is abnormal.`,
    '',
    '## Calibration',
    '',
    `Threshold ${threshold.toPrecision(5)} above the middle of the normal scores: 1.15 × the way to the median over four`,
    `blocks of the block's 99 % quantile, on ${training.rows} windows of normal data. Of these, ${share} % are above it.`,
    '',
    '## Limits',
    '',
    '- Its training data are not known here. If the calibration rows were among them, the threshold is too low.',
    '- Why it alarms is not known either: tags are named by how far each stands from its own normal.',
  ]
  return `${lines.join('\n')}\n`
}
