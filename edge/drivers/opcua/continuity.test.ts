/** Which numbers of notification messages prove that none is missing. */
import { expect, test } from 'vitest'
import { createContinuity } from './continuity.ts'

const message = (sequenceNumber: number) => ({ sequenceNumber, isKeepAlive: false })
const keepAlive = (sequenceNumber: number) => ({ sequenceNumber, isKeepAlive: true })

function takeAll(...messages: ReturnType<typeof message>[]): boolean[] {
  const { take } = createContinuity()
  return messages.map(take)
}

test('messages one after the other, with keep-alives that tell the number to come, are whole', () => {
  expect(takeAll(keepAlive(1), message(1), keepAlive(2), keepAlive(2), message(2))).not.toContain(
    false,
  )
})

test('a number that was stepped over is a message that is missing', () => {
  expect(takeAll(message(1), message(3))).toEqual([true, false])
  expect(takeAll(keepAlive(1), message(2))).toEqual([true, false])
})

test('the message lost before a silence is missed at the next keep-alive', () => {
  expect(takeAll(message(1), keepAlive(3))).toEqual([true, false])
})

test('a number told twice is no order to rely on', () => {
  expect(takeAll(message(1), message(2), message(2))).toEqual([true, true, false])
})

test('a keep-alive that repeats the last number is no gap', () => {
  expect(takeAll(message(1), keepAlive(1), message(2), keepAlive(2))).not.toContain(false)
})

test('after the largest number comes 1', () => {
  const last = 0xffff_ffff
  expect(takeAll(message(last), keepAlive(1), message(1), message(2))).not.toContain(false)
  expect(takeAll(message(last - 1), keepAlive(1))).toEqual([true, false])
})
