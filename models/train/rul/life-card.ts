/** The card of a remaining-life model: what it says, from which histories, how wrong it was on units held out. */
import type { LifeManifest } from './life-manifest.ts'

/** Markdown; the same manifest gives the same text. */
export function formatLifeCard(manifest: LifeManifest): string {
  const { training, metrics, step, cap, tags } = manifest
  const unit = manifest.timeUnit === 'h' ? 'h' : `(unit of ${manifest.timeColumn})`
  const head = [
    `# ${manifest.name}`,
    '',
    `Trained on ${training.units} histories that ended with the failure, ${training.rows} steps of ${step} ${unit};`,
    `${tags.length} tags: ${tags.join(', ')}. SHA-256 \`${training.hash}\`; seed ${training.seed}.`,
    '',
  ]
  const figure = (name: string) => (metrics[name] ?? Number.NaN).toPrecision(4)
  const life = [
    'Remaining life with a 5–95 % interval: ridge regression on windowed features and random tanh features of them.',
    '',
    `On units held out (${metrics.folds} folds): error ${figure('cvRMSE')} ${unit} (root mean square), the interval held the`,
    `truth in ${((metrics.coverage90 ?? 0) * 100).toFixed(1)} % of the rows and was ${figure('meanWidth')} ${unit} wide.`,
    '',
    `- A remaining life above ${cap} ${unit} is not told apart from ${cap}: read it as "at least".`,
    '- It knows the ways of failing in its histories; another failure mode gives a wrong number.',
  ]
  const health = [
    'Too few failures are known for a number: a health index, 0 as new, 1 where the known histories ended.',
    '',
    '- It is no remaining life; 20 histories with their failure are needed for one.',
  ]
  return `${[...head, ...(manifest.kind === 'remaining-life' ? life : health)].join('\n')}\n`
}
