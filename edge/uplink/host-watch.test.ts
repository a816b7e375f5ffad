/** Who is online here, by the words of the hosts on this server. */
import { expect, test } from 'vitest'
import { createHostWatch } from './host-watch.ts'

const on = (timestamp: number) => ({ online: true, timestamp })
const off = (timestamp: number) => ({ online: false, timestamp })

test('nobody is online before a host of ours has said so; the word of a stranger counts for nothing', () => {
  const watch = createHostWatch(['a', 'b', 'b'])
  watch.begin('s')
  expect(watch.hear('c', on(1))).toBe('foreign')
  expect(watch.verdict()).toBe('unknown')
  watch.hear('a', off(1))
  expect(watch.verdict()).toBe('unknown')
  watch.hear('b', off(1))
  expect(watch.verdict()).toBe('offline')
  watch.hear('b', on(1))
  expect(watch.verdict()).toBe('online')
})
test('what a host said in an earlier session holds for its time, not for its being online', () => {
  const watch = createHostWatch(['a'])
  watch.begin('s')
  watch.hear('a', on(10))
  watch.begin('s')
  expect(watch.verdict()).toBe('unknown')
  expect(watch.hear('a', on(9))).toBe('stale')
  expect(watch.verdict()).toBe('unknown')
  expect(watch.hear('a', off(10))).toBe('taken')
  expect(watch.verdict()).toBe('offline')
})
test('tck-id-operational-behavior-host-application-multi-server-timestamp: each server has times of its own', () => {
  const watch = createHostWatch(['a'])
  watch.begin('s')
  watch.hear('a', on(10))
  watch.begin('t')
  expect(watch.hear('a', on(3))).toBe('taken')
  watch.begin('s')
  expect(watch.hear('a', on(9))).toBe('stale')
})
