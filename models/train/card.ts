/** The model card: what the model watches, from which data, how it was checked, and what it cannot do. */
import type { Manifest } from '../manifest.ts'
import { type Modes, SETTLE_ROWS } from '../modes.ts'

export interface CardInput {
  manifest: Manifest
  resolutions: Float64Array
  /** Source, licence and attribution of the training data, as its owner wants them said. */
  notes?: string
}

/** Markdown; the same input gives the same text. */
export function formatCard({ lags, ...input }: CardInput & { lags: number }): string {
  const { manifest } = input
  const { metrics } = manifest
  return formatSections(input, {
    title: `Multivariate anomaly detector of ${manifest.tags.length} tags`,
    working: [
      `Each row is standardised (z clipped at ±100) and stacked with its ${lags} predecessor(s); the score is the`,
      `ridge-regularised Mahalanobis distance divided by the square root of its dimensions, averaged over`,
      `${manifest.windowRows - lags} rows. A window is ${manifest.windowRows} rows. Ratio = score / threshold; above 1 is unusual.`,
      'Contributions are conditional z values: how far a tag stands from what the other tags let expect.',
    ],
    checked: [
      `Threshold ${manifest.threshold.toPrecision(5)} = ${Number((1.15 * (metrics.margin ?? 1)).toPrecision(4))} × the median over ${metrics.blocks} held-out blocks of the block's 99 % quantile.`,
      `Held-out windows above it: ${((metrics.heldOutFalseShare ?? 0) * 100).toFixed(2)} %.`,
    ],
  })
}

/** The card of a model that watches every tag by itself. */
export function formatOneTagCard(input: CardInput): string {
  const { manifest } = input
  const share = (manifest.metrics.ownHistoryAboveShare ?? 0) * 100
  return formatSections(input, {
    title: `One-tag anomaly detector of ${manifest.tags.length} tag(s), each by its own history`,
    working: [
      'Three measures a tag, each divided by 1.1 × the 99.8 % quantile of its own history: the last row against its prediction',
      'from ten rows before, the last row against the mean, the mean of 12 rows against that of the 144 before them.',
      'A contribution is the largest of the three, negative when the tag is low; the score is the largest contribution.',
      `A window is ${manifest.windowRows} rows. Above 1 is unusual. Beside it, from the manifest: out of range, too fast, stuck.`,
    ],
    checked: [`Windows of its own history above 1: ${share.toFixed(2)} %.`],
  })
}

interface Sections {
  title: string
  working: string[]
  checked: string[]
}

function formatSections(
  { manifest, resolutions, notes }: CardInput,
  { title, working, checked }: Sections,
): string {
  const { training } = manifest
  const since = training.from === null ? '' : ` from ${new Date(training.from).toISOString()}`
  const lines = [
    `# ${manifest.name}`,
    '',
    `${title}, one row every ${manifest.periodMs / 1000} s.`,
    '',
    '## How it works',
    '',
    ...working,
    '',
    '## Training',
    '',
    `${training.rows} complete rows of normal operation${since}; SHA-256 of the matrix \`${training.hash}\`; seed ${training.seed}.`,
    ...checked,
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

/** Which modes there are and how much each learned from: stands below the card of the first. */
export function formatModesOfCard({ tag, known, tooFew }: Modes): string {
  const lines = [
    '',
    '## Operating modes',
    '',
    `One model per value of ${tag}; what stands above is that of the first. Nothing is scored in the first ${SETTLE_ROWS} rows after a`,
    'change, before a whole window lies in one mode, in a mode that is not in this table, or while the mode is not known.',
    '',
    '| mode | rows | threshold |',
    '|---|---|---|',
    ...known.map(
      ({ value, rows, threshold }) => `| ${value} | ${rows} | ${threshold.toPrecision(5)} |`,
    ),
    ...tooFew.map(({ value, rows }) => `| ${value} | ${rows} | too few: unknown |`),
  ]
  return `${lines.join('\n')}\n`
}
