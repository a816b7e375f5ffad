/** The card of a model of failure modes: what it tells apart, from which cases, and how often it was right on cases held out. */
import type { FailureManifest } from './failure-manifest.ts'

/** Markdown; the same manifest gives the same text. */
export function formatFailureCard(manifest: FailureManifest, notes = ''): string {
  const { training, metrics, tags, classes, confusion, periodMs, windowRows } = manifest
  const names = classes.map(({ name }) =>
    name === '' ? 'normal operation' : name.replaceAll('|', '/'),
  )
  const { cases = 0, right = 0, majority = 0, unseen = 0, unseenNamed = 0 } = metrics
  const lines = [
    `# ${manifest.name}`,
    '',
    `Says which known failure an alarm looks like, by ${manifest.features.length} features of ${tags.length} tags over ${windowRows} rows of ${periodMs} ms.`,
    'It never raises or clears an alarm.',
    '',
    notes,
    '',
    `Trained on ${training.windows} windows. SHA-256 of the features \`${training.hash}\`; seed ${training.seed}.`,
    '',
    '| state | cases | windows |',
    '|---|---|---|',
    ...classes.map((one, i) => `| ${names[i]} | ${one.cases} | ${one.windows} |`),
    '',
    '## Cases held out',
    '',
    `Each case was named by a model that had not seen it: ${right} of ${cases} rightly;`,
    `always naming the most frequent mode: ${(majority * cases).toFixed(0)} of ${cases}.`,
    '',
    `| was | ${names.map((name) => `said ${name}`).join(' | ')} | none of the known |`,
    `|---|${names.map(() => '---|').join('')}---|`,
    ...confusion.map((row, i) => `| ${names[i]} | ${row.join(' | ')} |`),
    '',
    `- Each mode was once left out of the training: ${unseenNamed} of all ${unseen} cases got the name of another one.`,
    `- A failure unlike all labelled cases is "none of the known ones". A name needs a share of belief of ${manifest.leastShare.toFixed(2)}.`,
    '- The probability is the share of belief of the trees, lowered by how often the name was right on cases held out.',
  ]
  return `${lines.join('\n')}\n`
}
