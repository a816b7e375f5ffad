/** Cross-validation by case: each case is named by a model that has not seen it; and each mode once by one that does not know it. */
import { type FittedFailures, fitFailures, lookAt } from './fit-failures.ts'
import type { Example } from './reference-distance.ts'
import { decide, findLeastShare, NONE, NORMAL } from './verdict.ts'

const FOLDS = 5

export interface Judgement {
  /** `[truth][said]` in cases; the last column is "none of the known ones", the first row and column normal operation. */
  confusion: number[][]
  /** Failure cases, those named rightly, and what always naming the most frequent mode reaches. */
  cases: number
  right: number
  majority: number
  /** The belief that a name needs. */
  leastShare: number
  /** Cases of a mode that was left out of the training, and those that got a name all the same. */
  unseen: number
  unseenNamed: number
}

interface Setting {
  classes: number
  seed: number
  onProgress?(share: number): void
}

export function judgeFailures(examples: readonly Example[], setting: Setting): Judgement {
  const { classes, onProgress } = setting
  const stretches = [...Map.groupBy(examples, ({ stretch }) => stretch).values()]
  const rounds = FOLDS + classes - 1
  const strangers = Array.from({ length: classes - 1 }, (_, i) => {
    onProgress?.((i + 1) / rounds)
    return meetUnknown(examples, { ...setting, mode: i + 1 })
  })
  const leastShare = findLeastShare(strangers.flatMap(({ wrongShares }) => wrongShares))
  const confusion = Array.from({ length: classes }, () => new Array<number>(classes + 1).fill(0))
  const folds = dealByClass(stretches)
  for (let fold = 0; fold < FOLDS; fold++) {
    const fitted = fitWithout(examples, (_, stretch) => folds.get(stretch) === fold, setting)
    for (const windows of stretches)
      if (folds.get(windows[0]?.stretch ?? '') === fold)
        count(confusion, decide(lookAt(fitted, windows), leastShare).said, windows)
    onProgress?.((classes + fold) / rounds)
  }
  return { confusion, ...sumUp(confusion), leastShare, ...judgeStrangers(strangers) }
}

interface Strangers {
  cases: number
  /** Belief in the name that a case got though its own mode was not known. */
  wrongShares: number[]
}

/** One mode is left out of the training: what do its cases get for a name? */
function meetUnknown(
  examples: readonly Example[],
  { mode, ...setting }: Setting & { mode: number },
): Strangers {
  const own = examples.filter(({ label }) => label === mode)
  const fitted = fitWithout(examples, (label) => label === mode, setting)
  const cases = [...Map.groupBy(own, ({ stretch }) => stretch).values()]
  const wrongShares = cases.flatMap((windows) => {
    const looks = lookAt(fitted, windows)
    const { said } = decide(looks)
    return said === NONE || said === NORMAL ? [] : [looks.shares[said] ?? 0]
  })
  return { cases: cases.length, wrongShares }
}

/** Each mode by the belief that the other modes let ask for: its own cases must not make their own test. */
function judgeStrangers(strangers: readonly Strangers[]) {
  const unseenNamed = strangers.reduce((sum, { wrongShares }, mode) => {
    const others = strangers.filter((_, other) => other !== mode)
    const least = findLeastShare(others.flatMap((one) => one.wrongShares))
    return sum + wrongShares.filter((share) => share >= least).length
  }, 0)
  return { unseen: strangers.reduce((sum, { cases }) => sum + cases, 0), unseenNamed }
}

function fitWithout(
  examples: readonly Example[],
  isOut: (label: number, stretch: string) => boolean,
  setting: Setting,
): FittedFailures {
  return fitFailures(
    examples.filter(({ label, stretch }) => !isOut(label, stretch)),
    setting,
  )
}

function count(confusion: number[][], said: number, windows: readonly Example[]): void {
  const row = confusion[windows[0]?.label ?? 0]
  const column = said === NONE ? (row?.length ?? 1) - 1 : said
  if (row) row[column] = (row[column] ?? 0) + 1
}

function sumUp(confusion: readonly (readonly number[])[]) {
  const sizes = confusion.slice(1).map((row) => row.reduce((sum, one) => sum + one, 0))
  const cases = sizes.reduce((sum, one) => sum + one, 0)
  const right = confusion.slice(1).reduce((sum, row, i) => sum + (row[i + 1] ?? 0), 0)
  return { cases, right, majority: Math.max(0, ...sizes) / Math.max(1, cases) }
}

/** In the order they came, one after the other, class by class: every fold leaves some of each class to learn from. */
function dealByClass(stretches: readonly (readonly Example[])[]): Map<string, number> {
  const folds = new Map<string, number>()
  for (const group of Map.groupBy(stretches, (windows) => windows[0]?.label ?? 0).values())
    for (const [i, windows] of group.entries()) folds.set(windows[0]?.stretch ?? '', i % FOLDS)
  return folds
}

/** That so many or more of `cases` come out right by luck, each with the chance `share`. */
export function findLuck({ cases, right, majority: share }: Judgement): number {
  let chance = 0
  for (let k = right; k <= cases; k++)
    chance += Math.exp(
      logChoose(cases, k) +
        k * Math.log(share) +
        (cases - k) * Math.log(Math.max(1e-300, 1 - share)),
    )
  return Math.min(1, chance)
}

function logChoose(n: number, k: number): number {
  let sum = 0
  for (let i = 1; i <= k; i++) sum += Math.log((n - k + i) / i)
  return sum
}
