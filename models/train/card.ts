/** The model card: what the model watches, from which data, how it was checked, and what it cannot do. */
import type { Manifest } from '../manifest.ts'

export interface CardInput {
  manifest: Manifest
  lags: number
  resolutions: Float64Array
  /** Source, licence and attribution of the training data, as its owner wants them said. */
  notes?: string
}

/** Markdown; the same input gives the same text. */
export function formatCard({ manifest, lags, resolutions, notes }: CardInput): string {
  const { training, metrics } = manifest
  const period = manifest.periodMs / 1000
  const since = training.from === null ? '' : ` from ${new Date(training.from).toISOString()}`
  const lines = [
    `# ${manifest.name}`,
    '',
    `Multivariate anomaly detector of ${manifest.tags.length} tags, one row every ${period} s.`,
    '',
    '## How it works',
    '',
    `Each row is standardised (z clipped at ±100) and stacked with its ${lags} predecessor(s); the score is the`,
    `ridge-regularised Mahalanobis distance divided by the square root of its dimensions, averaged over`,
    `${manifest.windowRows - lags} rows. A window is ${manifest.windowRows} rows. Ratio = score / threshold; above 1 is unusual.`,
    'Contributions are conditional z values: how far a tag stands from what the other tags let expect.',
    '',
    '## Training',
    '',
    `${training.rows} complete rows of normal operation${since}; SHA-256 of the matrix \`${training.hash}\`; seed ${training.seed}.`,
    `Threshold ${manifest.threshold.toPrecision(5)} = 1.1 × the median over ${metrics.blocks} held-out blocks of the block's 99 % quantile.`,
    `Held-out windows above it: ${((metrics.heldOutFalseShare ?? 0) * 100).toFixed(2)} %.`,
    '',
    'Step: the smallest difference that means anything live (resolution, or a value one row off).',
    '',
    '| tag | unit | mean | scale | step |',
    '|---|---|---|---|---|',
    ...manifest.tags.map(
      ({ name, unit, mean, scale }, i) =>
        `| ${name} | ${unit ?? ''} | ${mean.toPrecision(6)} | ${scale.toPrecision(4)} | ${(resolutions[i] ?? 0).toPrecision(3)} |`,
    ),
    '',
    '## Limits',
    '',
    '- It knows the operation it was trained on: another product, season or mode looks like a fault.',
    '- It says that something changed and which tags show it, not which part is broken.',
    ...manifest.setAside.map(
      ({ name }) =>
        `- ${name} drifts slowly in normal operation and is not looked at by this model.`,
    ),
  ]
  return `${[...lines, ...(notes ? ['', '## Data', '', notes.trim()] : [])].join('\n')}\n`
}
