/** Topics, counters, STATE and the watermark's small texts. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createRange, formatGap, formatState, parseGap, parseState, readRange } from './delivery.ts'
import { createSequence, missingBefore, nextSequence } from './sequence.ts'
import { formatTopic, isTopicId, parseTopic, type Topic } from './topic.ts'

describe('topics', () => {
  test.each<[string, Topic]>([
    ['spBv1.0/plant/NBIRTH/gw1', { type: 'NBIRTH', site: 'plant', gateway: 'gw1' }],
    ['spBv1.0/plant/NCMD/gw1', { type: 'NCMD', site: 'plant', gateway: 'gw1' }],
    [
      'spBv1.0/plant/DDATA/gw1/plc',
      { type: 'DDATA', site: 'plant', gateway: 'gw1', device: 'plc' },
    ],
    ['spBv1.0/STATE/cloud', { type: 'STATE', host: 'cloud' }],
  ])('tck-id-topic-structure: %s', (text, topic) => {
    expect(parseTopic(text)).toEqual(topic)
    expect(formatTopic(topic)).toBe(text)
  })

  test.each([
    'spAv1.0/plant/NBIRTH/gw1',
    'spBv1.0/plant/NBIRTH',
    'spBv1.0/plant/NBIRTH/gw1/plc',
    'spBv1.0/plant/DBIRTH/gw1',
    'spBv1.0/plant/DBIRTH/gw1/plc/x',
    'spBv1.0/plant/OTHER/gw1',
    'spBv1.0//NBIRTH/gw1',
    'spBv1.0/STATE/',
    'spBv1.0/STATE/a/b',
    '',
  ])(
    'tck-id-topic-structure-namespace-device-id-associated-message-types: not a topic: %s',
    (text) => {
      expect(parseTopic(text)).toBeUndefined()
    },
  )

  test.each(['a+b', 'a/b', 'a#', '', 'a\u0000', 'x'.repeat(129)])(
    'tck-id-topic-structure-namespace-valid-group-id: %j is refused',
    (site) => {
      expect(isTopicId(site)).toBe(false)
      expect(() => formatTopic({ type: 'NBIRTH', site, gateway: 'g' })).toThrow(
        expect.objectContaining({ code: 'sparkplug.invalid' }),
      )
    },
  )

  test('any text parses to a topic that formats back to itself, or to nothing', () => {
    const level = fc.constantFrom('spBv1.0', 'STATE', 'NBIRTH', 'DDATA', 'a', 'é', '', '+')
    fc.assert(
      fc.property(fc.array(level, { maxLength: 6 }), (levels) => {
        const text = levels.join('/')
        const topic = parseTopic(text)
        if (topic) expect(formatTopic(topic)).toBe(text)
      }),
    )
  })
})

describe('the sequence', () => {
  test('tck-id-payloads-sequence-num-incrementing: runs to 255 and then starts again at 0', () => {
    const sequence = createSequence()
    expect(sequence.restart()).toBe(0)
    const numbers = Array.from({ length: 257 }, () => sequence.next())
    expect(numbers.slice(0, 2)).toEqual([1, 2])
    expect(numbers.slice(-3)).toEqual([255, 0, 1])
  })
  test('a gap is counted across the turn', () => {
    expect(missingBefore(255, 255)).toBe(0)
    expect(missingBefore(254, 1)).toBe(3)
    expect(missingBefore(nextSequence(255), 0)).toBe(0)
  })
})

describe('the watermark', () => {
  test('a range is read from the named metrics', () => {
    const metrics = [
      { name: 'Delivery/From', value: 3n },
      { name: 'Delivery/Watermark', value: 7n },
    ]
    expect(readRange(metrics, 'watermark')).toEqual({ from: 3, to: 7 })
    expect(readRange(metrics, 'acknowledged')).toBeUndefined()
  })
  test.each([
    [0n, 1n],
    [2n, 1n],
    [-1n, 5n],
    [1n, 2n ** 60n],
    ['1', 2n],
    [1.5, 2],
  ])('no range runs from %s to %s', (from, to) => {
    expect(createRange(from, to)).toBeUndefined()
  })
  test('a gap says its gateway by the topic it came on, not by its text', () => {
    const gap = { gateway: 'gw1', from: 1, to: 2, reason: 'outbox-full' as const, lost: 5 }
    expect(parseGap(formatGap(gap), 'gw1')).toEqual(gap)
    expect(parseGap(formatGap({ ...gap, gateway: 'other' }), 'gw1')).toEqual(gap)
  })
  test.each([
    '',
    '{',
    'null',
    '[]',
    '{"from":1,"to":0,"reason":"corrupt"}',
    '{"from":1,"to":2,"reason":"x"}',
    5,
  ])('not a gap: %j', (text) => {
    expect(parseGap(text, 'gw1')).toBeUndefined()
  })
})

test('tck-id-payloads-state-will-message-payload: STATE is JSON with online and timestamp', () => {
  expect(JSON.parse(formatState({ online: false, timestamp: 5 }))).toEqual({
    online: false,
    timestamp: 5,
  })
  expect(parseState('{"online":true,"timestamp":7}')).toEqual({ online: true, timestamp: 7 })
  // Another host may tell more; what it tells is not carried on.
  const more = '{"online":true,"timestamp":7,"version":3,"__proto__":{"online":false}}'
  expect(parseState(more)).toEqual({ online: true, timestamp: 7 })
})
test.each([
  ...['ONLINE', 'OFFLINE', '', '[]', 'null', '{"online":true}', '{"timestamp":7}'],
  ...['{"online":1,"timestamp":7}', '{"online":"true","timestamp":7}'],
  ...['{"online":true,"timestamp":"7"}', '{"online":true,"timestamp":-1}'],
  ...['{"online":true,"timestamp":1e999}', '{"online":true,"timestamp":null}'],
])('not a STATE: %s', (text) => {
  expect(parseState(text)).toBeUndefined()
})
