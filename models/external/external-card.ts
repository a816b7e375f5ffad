/** The card of a model that was trained elsewhere: what is known of it here, and what is not. */
import type { Manifest } from '../manifest.ts'
import type { LifeManifest } from '../train/rul/life-manifest.ts'

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

/** `answers`: what it says of the machine's own past, in hours. */
export function formatForeignLifeCard(
  { name, tags, step, cap, external, training }: LifeManifest,
  answers: readonly number[],
  notes = '',
): string {
  const { error, windowRows } = external ?? {}
  const figure = (value: number) => value.toPrecision(4)
  const interval = error
    ? `${figure(error.low)} h before to ${figure(error.high)} h after, as was told with it`
    : 'by its own outputs'
  const past =
    answers.length === 0
      ? 'This machine is watched for too short a time to ask it about.'
      : `Asked about ${answers.length} moments of this machine's past it said ${figure(Math.min(...answers))} to ${figure(Math.max(...answers))} h, ${figure(answers.at(-1) ?? 0)} h now.`
  const lines = [
    `# ${name}`,
    '',
    `Remaining life, trained elsewhere on ${training.units} lives (${training.rows} rows), as was told with it;`,
    `${tags.length} tags: ${tags.join(', ')}. A step is ${step} h, its input is the last ${windowRows ?? 1} of them.`,
    `90 % interval: ${interval}.`,
    '',
    past,
    '',
    '## Limits',
    '',
    '- Its training data are not known here, and its error was not measured here.',
    `- A remaining life above ${cap} h is not told apart from ${cap}: read it as "at least".`,
    '- It knows the ways of failing in its histories; another failure mode gives a wrong number.',
    ...(notes === '' ? [] : ['', notes]),
  ]
  return `${lines.join('\n')}\n`
}
