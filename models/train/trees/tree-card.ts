/** The card of labelled-failure trees: which states they tell apart, from how many cycles, how often rightly. */
import type { TreeManifest } from './tree-manifest.ts'

/** Markdown; the same manifest gives the same text. */
export function formatTreeCard(manifest: TreeManifest): string {
  const { training, metrics, tags, classes, labelColumn } = manifest
  const percent = (name: string) => `${((metrics[name] ?? Number.NaN) * 100).toFixed(1)} %`
  const lines = [
    `# ${manifest.name}`,
    '',
    `Tells the states of "${labelColumn}" apart by gradient-boosted trees on ${manifest.features.length} features of ${tags.length} tags.`,
    '',
    `Trained on ${training.units} labelled cycles. SHA-256 of the features \`${training.hash}\`; seed ${training.seed}.`,
    '',
    `Held-out cycles said rightly: ${percent('cvAccuracy')} (${metrics.folds} folds of whole blocks of neighbouring cycles);`,
    `always saying the most frequent state: ${percent('majorityAccuracy')}.`,
    '',
    '| state | found when held out |',
    '|---|---|',
    ...classes.map((name) => `| ${name} | ${percent(`recall ${name}`)} |`),
    '',
    '- It knows the states it was shown; a new kind of failure gets the name of the nearest known one.',
  ]
  return `${lines.join('\n')}\n`
}
