/** The sentence of a fault is filled from its detail and reads like one sentence. */
import { expect, it } from 'vitest'
import { Fault, formatFault, isFault } from './fault.ts'

it('fills the sentence from the detail, and shows what is missing', () => {
  expect(formatFault('driver.timeout', { endpoint: 'plc:502', timeoutMs: 300 })).toBe(
    'The device at plc:502 did not answer within 300 ms.',
  )
  expect(formatFault('tunnel.down', {})).toBe('The tunnel of gateway ? is down.')
})

it('does not end in two full stops when the reason is a sentence', () => {
  const fault = new Fault('request.invalid', { problem: 'Name one of: a, b.' })
  expect(fault.message).toBe('The request is not valid: Name one of: a, b.')
  expect(isFault(fault, 'request.invalid')).toBe(true)
})
