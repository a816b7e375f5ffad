/** What the server really says, and that the console finds its words for it in every language. */
import { describe, expect, it } from 'vitest'
import { proposeThreshold } from '../../../models/train/labels.ts'
import { proposeNormal } from '../../../models/train/normal-period.ts'
import { forecastLimit } from '../../../models/wear/forecast.ts'
import type { SessionView } from '../../../protocol/api.ts'
import { failureStates } from '../../../protocol/api-explanation.ts'
import { sessionEndReasons } from '../../../protocol/states.ts'
import { ratioRule } from '../../alarms/alarm-rule.ts'
import { formatMessage } from '../../alarms/alarm-view.ts'
import { moveOf, type SessionEvent } from '../../cases/case.ts'
import { describeRecovery } from '../../cases/recovery.ts'
import { putInWords } from '../../explanation/failures.ts'
import { judgeHealth } from '../../fleet/health.ts'
import { sayTooMany } from '../../registry/retention.ts'
import { createModeGate } from '../../scoring/mode-gate.ts'
import { en } from './en.ts'
import { ja } from './ja.ts'
import { formatMessage as fill } from './language.tsx'
import { sayMessage, sayText } from './said.ts'

const speak = (words: Record<keyof typeof en, string>) => ({
  t: (key: keyof typeof en, values?: Record<string, string | number>) => fill(words[key], values),
  sayInstant: (at: number) => new Date(at).toISOString().slice(0, 10),
})
const japanese = speak(ja)

/** Latin letters are left only in names that people gave. */
const isJapanese = (text: string, names: readonly string[]) =>
  !/[a-z]{2}/i.test(names.reduce((rest, name) => rest.replaceAll(name, ''), text))

const session: SessionView = {
  ...{ id: 'ses_1', caseId: 'cas_1', site: 'plant', gateway: 'gw', target: 'hmi', kind: 'web' },
  ...{ targetTitle: 'Press HMI', state: 'ended', person: { id: 'per_1', name: 'Tanaka' } },
  ...{ reason: 'too hot', rights: ['view'], minutes: 30, requestedAt: 1, approver: null },
  ...{ decidedAt: null, decisionNote: null, startedAt: 2, until: 3, endedAt: 4 },
  ...{ endReason: 'closed-by-user', recorded: true },
}

describe("the server's sentences", () => {
  it('about sessions are all understood, with and without a note', () => {
    const kinds = ['requested', 'approved', 'refused', 'opened', 'changed', 'paused', 'resumed']
    const events = kinds.flatMap((kind) => [
      { kind, session, at: 1 } as SessionEvent,
      { kind, session, at: 1, text: 'too hot' } as SessionEvent,
    ])
    const ends = sessionEndReasons.flatMap((endReason) => [
      { kind: 'ended', session: { ...session, endReason }, at: 1 } as SessionEvent,
      { kind: 'ended', session: { ...session, endReason, startedAt: null }, at: 1 } as SessionEvent,
    ])
    const said = [...events, ...ends].map((event) => sayText(moveOf(event).text, japanese))
    const names = ['Press HMI', 'gw/hmi', 'too hot']
    expect(said.filter((text) => !isJapanese(text, names))).toEqual([])
  })

  it('about known failures are all understood, on trial too, with the reason inside', () => {
    const candidates = [
      { mode: 'fouling', probability: 0.4 },
      { mode: 'leak', probability: 0.3 },
    ]
    const nothing = { mode: null, probability: null, candidates, windows: 1 }
    const reason = 'TS1 has too few good values'
    const sayings = failureStates.map((state) =>
      state === 'named'
        ? { ...nothing, state, mode: 'fouling', probability: 0.8, reason: null }
        : { ...nothing, state, reason },
    )
    const said = sayings.flatMap((saying) =>
      (['active', 'canary'] as const).map((stage) => {
        const text = putInWords(saying, { version: 2, stage })
        return sayText(text, japanese)
      }),
    )
    expect(said.filter((text) => !isJapanese(text, ['fouling', 'leak', 'TS1', 'and']))).toEqual([])
    // What a version on trial says is told as such, whatever it says.
    expect(new Set(said).size).toBe(2 * failureStates.length)
    expect(said.filter((text) => text.includes('試行中'))).toHaveLength(failureStates.length)
  })

  it('about health are all understood', () => {
    const ratio = { tag: 'a/cloud/b/Model/Ratio', at: 1, value: 0.4, quality: 192 } as never
    const facts = {
      ...{ hasModel: true, isScoring: true, ratio, activeAlarms: 0, offline: [], now: 2 },
    }
    const reasons = [
      { ...facts, offline: [{ gateway: 'gw', since: 1 }] },
      { ...facts, offline: [{ gateway: 'gw', since: null }] },
      { ...facts, isScoring: false },
      { ...facts, ratio: undefined },
      { ...facts, now: 1e9 },
      { ...facts, ratio: { ...Object(ratio), quality: 0 } },
    ].map((each) => judgeHealth(each).healthReason ?? '')
    expect(reasons.filter((text) => text === '')).toEqual([])
    const said = reasons.map((text) => sayText(text, japanese))
    expect(said.filter((text) => !isJapanese(text, ['gw']))).toEqual([])
  })

  it('about alarms are said in English as the server says them, and in Japanese', () => {
    const { title } = ratioRule({ id: 'press', site: 'plant', severity: 700 } as never)
    const cause = {
      contributions: [{ tag: 'a', name: 'CE', z: -9, direction: 'low' as const }],
      breaches: ['TS1:stuck'],
    }
    const message = formatMessage(title, cause)
    expect(sayMessage(message, speak(en).t)).toBe(message)
    expect(sayMessage(message, japanese.t)).toBe('いつもと違う動き：TS1 が変化しない、CE が低い')
    expect(sayMessage(formatMessage(title, { contributions: [], breaches: [] }), japanese.t)).toBe(
      'いつもと違う動き',
    )
    expect(isJapanese(sayText(describeRecovery(20_000), japanese), [])).toBe(true)
  })

  it('about assets that cannot be judged name the tag with its share, or the reason', () => {
    const say = (...breaches: string[]) => {
      const message = formatMessage('Cannot be judged', { contributions: [], breaches })
      expect(sayMessage(message, speak(en).t)).toMatch(/^Cannot be judged/)
      return sayMessage(message, japanese.t)
    }
    const shares = ['bad', 'stale', 'silent', 'not-a-number'].map(
      (problem) => `CE:${problem} in 50 % of the rows`,
    )
    expect(say(...shares.slice(0, 1))).toBe('判定できません：CE は行の 50 % で値が不良')
    expect(isJapanese(say(...shares), ['CE'])).toBe(true)
    expect(isJapanese(say('mode "wash" was never learned'), ['wash'])).toBe(true)
    expect(isJapanese(say(), [])).toBe(true)
  })

  it('about data left out of a training are all understood', () => {
    const at = Float64Array.from({ length: 400 }, (_, row) => row * 1_000 + (row < 200 ? 0 : 9e5))
    const wave = Float64Array.from(at, (_, row) => Math.sin(row) + (row === 300 ? 900 : 0))
    wave.fill(Number.NaN, 100, 110)
    const known = { from: 20_000, to: 30_000, reason: 'alarm: Abnormal behaviour: CE low' }
    const work = { from: 40_000, to: 50_000, reason: 'planned maintenance: 油の交換' }
    const { excluded } = proposeNormal({
      table: { file: 'history', names: ['CE'], columns: [wave], rows: at.length, at },
      periodMs: 1_000,
      exclude: [known, work],
    })
    const reasons = [...new Set(excluded.map(({ reason }) => reason))]
    expect(reasons.length).toBeGreaterThan(3)
    const said = reasons.map((text) => sayText(text, japanese))
    expect(said.filter((text) => !isJapanese(text, ['CE']))).toEqual([])
  })

  it('about operating modes are all understood, and go on with the sentence inside', () => {
    const tag: `${string}/${string}/${string}/${string}` = 'plant/gw/plc/state'
    const gate = createModeGate({ tag, name: 'state', holdMs: 10_000, known: new Set(['1']) })
    const reasons = [0, 1, 2, 3, 4, 5, 40].map((second) => {
      const value = second === 3 ? 7 : 1
      const own = { tag, at: second * 1000, value, quality: second === 4 ? 0 : 192 }
      if (second > 0 && second < 40) gate.accept(own as never)
      const answer = gate.next(second * 1000)
      return 'reason' in answer ? answer.reason : 'none'
    })
    expect(new Set(reasons.map((reason) => reason.replace(/\d/g, ''))).size).toBe(5)
    const said = [...reasons, 'mode run: held-out block 3 of 4'].map((text) =>
      sayText(text, japanese),
    )
    expect(said.filter((text) => !isJapanese(text, ['state', 'run', 'ms']))).toEqual([])
    expect(said.at(-1)).toContain('モード run：')
  })

  it('about wear and about thresholds are all understood', () => {
    const days = (count: (day: number) => number) =>
      Array.from({ length: 20 }, (_, day) => ({ at: day * 864e5, count: count(day) }))
    const asked = [
      forecastLimit([], 10),
      forecastLimit(days(() => 7).slice(0, 2), 10),
      forecastLimit(
        days(() => 7),
        10,
      ),
      forecastLimit(
        days((day) => day),
        1e6,
      ),
    ]
    const reasons = asked.map((answer) => ('reason' in answer ? answer.reason : 'a number'))
    const judged = [1.1, 1.1, 1.2].map((peak) => ({ peak, verdict: 'too-sensitive' }) as const)
    const proposals = [
      proposeThreshold(judged)?.why ?? '',
      proposeThreshold([...judged, { peak: 9, verdict: 'useful' }])?.why ?? '',
    ]
    const said = [
      ...reasons.map((reason) => sayText(`93 of 5,000 cuts; ${reason}`, japanese)),
      ...proposals.map((why) => sayText(why, japanese)),
      sayText(sayTooMany(3), japanese),
    ]
    expect(said.filter((text) => !isJapanese(text, ['cuts']))).toEqual([])
  })

  it('of people are left as they were written', () => {
    for (const text of ['Oil leaks: at the pump', 'The pump is loud', 'alarm clock high']) {
      expect(sayMessage(text, japanese.t)).toBe(text)
      expect(sayText(text, japanese)).toBe(text)
    }
  })
})
