/** The server's fixed sentences as patterns, each with the words that say it; a group of a pattern is a value of the words. */
import type { MessageKey } from './en.ts'

type Sentence = readonly [RegExp, MessageKey]

const iso = String.raw`(?<at>\d{4}-\d\d-\d\dT[\d:.]+Z)`

/** cloud/cases/case.ts, case-acts.ts, recovery.ts */
const ofCases: readonly Sentence[] = [
  [/^the recovery has held$/, 'said.held'],
  [/^the trouble is back$/, 'said.back'],
  [/^asked for access to (?<where>[^:]+): (?<note>.*)$/s, 'said.asked'],
  [/^access to (?<where>[^:]+) approved$/, 'said.approved'],
  [/^access to (?<where>[^:]+) approved: (?<note>.*)$/s, 'said.approved-note'],
  [/^access to (?<where>[^:]+) refused$/, 'said.refused'],
  [/^access to (?<where>[^:]+) refused: (?<note>.*)$/s, 'said.refused-note'],
  [/^connected to (?<where>.+)$/, 'said.connected'],
  [/^changed (?<where>[^:]+)$/, 'said.changed'],
  [/^changed (?<where>[^:]+): (?<note>.*)$/s, 'said.changed-note'],
  [/^session with (?<where>[^:]+) paused(?:: .*)?$/s, 'said.paused'],
  [/^session with (?<where>[^:]+) resumed(?:: .*)?$/s, 'said.resumed'],
  [/^session with (?<where>.+) ended \((?<end>[^)]*)\)$/, 'said.ended'],
  [
    /^session with (?<where>.+) ended \((?<end>[^)]*)\); nothing was changed$/,
    'said.ended-unchanged',
  ],
]

/** cloud/fleet/health.ts, cloud/scoring/window.ts, drift-watch.ts */
const ofHealth: readonly Sentence[] = [
  [/^gateway (?<gateway>\S+) is offline$/, 'said.gateway-offline'],
  [new RegExp(`^gateway (?<gateway>\\S+) is offline since ${iso}$`), 'said.gateway-offline-since'],
  [/^its model is not loaded$/, 'said.not-loaded'],
  [/^no score yet$/, 'said.no-score'],
  [new RegExp(`^no score since ${iso}$`), 'said.no-score-since'],
  [/^a tag of its model has no good value$/, 'said.no-good-value'],
  [/^Model\/Ratio below 1 for (?<seconds>\d+) s$/, 'said.below-for'],
  [/^(?<tag>.+) has no sample for (?<ms>\d+) ms$/, 'said.no-sample'],
  [/^the window is filling: (?<filled>\d+) of (?<rows>\d+) rows$/, 'said.filling'],
  [/^mode "(?<mode>.+)" was never learned$/, 'said.mode-unlearned'],
  [/^no known case was in mode "(?<mode>.+)"$/, 'said.mode-no-case'],
  [/^mode "(?<mode>.+)" begins: (?<row>\d+) of (?<rows>\d+) rows to settle$/, 'said.mode-begins'],
  [/^(?<tag>.+) has no sample yet$/, 'said.no-sample-yet'],
  [/^(?<tag>.+) is stale$/, 'said.tag-stale'],
  [/^(?<tag>.+) has bad quality$/, 'said.tag-bad'],
  [/^(?<tag>.+) is not a number$/, 'said.tag-no-number'],
  [/^the model gave no output$/, 'said.no-output'],
  [/^The tags are where they were in training\.$/, 'drift.none'],
  [/^Tags moved and no longer go together: /, 'said.drift-fault'],
  [/^Not enough rows yet to tell\.$/, 'drift.unknown'],
]

/** cloud/training, models/train: what is left out, what a training does now, what labels speak for. */
const ofTraining: readonly Sentence[] = [
  [/^gap of gateway (?<gateway>[^:]+): (?<note>.*)$/s, 'said.gap'],
  [/^planned maintenance: (?<note>.*)$/s, 'said.work'],
  [/^older than one training takes$/, 'said.too-old'],
  [/^it has hardly ever come$/, 'said.hardly'],
  [/^it comes every (?<every>[\d.]+) s, rows are (?<rows>[\d.]+) s apart$/, 'said.seldom'],
  [/^start-up after a stop$/, 'said.start-up'],
  [/^too short a stretch$/, 'said.too-short'],
  [/^no data$/, 'said.no-data'],
  [/^(?<tag>.+) has no good value$/, 'said.tag-not-good'],
  [/^(?<tag>.+) is far from its usual values$/, 'said.tag-far'],
  [/^waiting$/, 'job.queued'],
  [/^done$/, 'job.done'],
  [/^reading history$/, 'said.reading'],
  [/^reading (?<count>\d+) tags$/, 'said.reading-tags'],
  [/^reading history for the back-test$/, 'said.reading-backtest'],
  [/^preparing (?<count>\d+) tags$/, 'said.preparing'],
  [/^held-out block (?<block>\d+) of (?<blocks>\d+)$/, 'said.held-out'],
  [/^fitting all rows$/, 'said.fitting'],
  [/^fitting (?<count>\d+) tags, each by itself$/, 'said.fitting-alone'],
  [/^checking the written model$/, 'said.checking'],
  [/^(?:back-test on history|scoring)$/, 'said.back-testing'],
  [/^trained$/, 'said.trained'],
  [/^only the newest (?<count>\d+) automatic versions stay in shadow$/, 'said.surplus'],
  [/^The cloud was (?:stopped|restarted) before it was done; start it again\.$/, 'said.stopped'],
  [/^How it ended could not be written down; start it again\.$/, 'said.not-written'],
  [
    /^(?<silent>\d+) of (?<count>\d+) alarms judged too sensitive would have been silent; all (?<useful>\d+) useful ones stay$/,
    'said.proposal',
  ],
  [
    /^(?<silent>\d+) of (?<count>\d+) alarms judged too sensitive would have been silent; none was useful yet$/,
    'said.proposal-none',
  ],
]

const known = String.raw`by version (?<version>\d+) of the known failures`

/** cloud/explanation/failures.ts, diagnosis.ts; cloud/training/failure-job.ts */
const ofFailures: readonly Sentence[] = [
  [
    new RegExp(`^looks like normal operation \\((?<percent>\\d+) %\\), ${known}`),
    'said.looks-normal',
  ],
  [new RegExp(`^looks like (?<mode>.+) \\((?<percent>\\d+) %\\), ${known}$`), 'said.looks-like'],
  [new RegExp(`^looks like none of the known failures, ${known}`), 'said.looks-none'],
  [
    new RegExp(`^is not clearly one of the known failures, possible: (?<modes>.+), ${known}`),
    'said.looks-between',
  ],
  [
    new RegExp(`^which failure it is cannot be said: (?<reason>.+), ${known}`),
    'said.looks-unknown',
  ],
  [/^(?<tag>.+) has too few good values$/, 'said.too-few-good'],
  [/^there are no rows of this time$/, 'said.no-rows'],
  [/^reading labelled cases$/, 'said.reading-cases'],
  [/^cases held out$/, 'said.judging-cases'],
  [/^fitting$/, 'said.fitting-cases'],
]

/** cloud/wear/wear.ts, models/wear/forecast.ts */
const ofWear: readonly Sentence[] = [
  [/^its counter or serial number was not read yet$/, 'said.not-read'],
  [
    /^(?<count>[\d,]+) of (?<limit>[\d,]+) (?<unit>[^;]+); a date comes after (?<hours>\d+) hours of watching$/,
    'said.date-later',
  ],
  [
    /^(?<count>[\d,]+) of (?<limit>[\d,]+) (?<unit>[^;]+); nothing was counted yet$/,
    'said.nothing-counted',
  ],
  [
    /^(?<count>[\d,]+) of (?<limit>[\d,]+) (?<unit>[^;]+); it was watched for too short a time$/,
    'said.watch-short',
  ],
  [
    /^(?<count>[\d,]+) of (?<limit>[\d,]+) (?<unit>[^;]+); it did not count in the time it was watched$/,
    'said.not-counting',
  ],
  [
    /^(?<count>[\d,]+) of (?<limit>[\d,]+) (?<unit>[^;]+); the limit is more than twenty years away$/,
    'said.twenty-years',
  ],
  [
    /^(?<count>[\d,]+) of (?<limit>[\d,]+) (?<unit>[^;]+); the limit is reached$/,
    'said.limit-reached',
  ],
  [/^(?<count>[\d,]+) of (?<limit>[\d,]+) (?<unit>[^;]+); (?<pace>[\d,]+) a day$/, 'said.pace'],
  [
    /^(?<count>[\d,]+) of (?<limit>[\d,]+) (?<unit>[^;]+); (?<pace>[\d,]+) a day; by (?<failures>\d+) failures of like parts$/,
    'said.pace-failures',
  ],
]

/** In the order of trial. */
export const sentences: readonly Sentence[] = [
  ...ofFailures,
  ...ofCases,
  ...ofHealth,
  ...ofTraining,
  ...ofWear,
]
