/** A fault is told with the reason below it. */
import { connect } from 'node:net'
import { describe, expect, it } from 'vitest'
import { Fault } from './fault.ts'
import { sayFault, sayFaultWhole } from './say-fault.ts'

const below = (cause: unknown) =>
  new Fault('driver.disconnected', { endpoint: '10.0.0.5:502' }, { cause })

describe('a fault', () => {
  it('is told with what the system said', async () => {
    const refused = await new Promise((resolve) => connect(1, '127.0.0.1').on('error', resolve))
    expect(sayFault(below(new Error('outer', { cause: refused })))).toBe(
      'The device at 10.0.0.5:502 is not connected: the machine is there, but nothing listens at this port (ECONNREFUSED).',
    )
  })

  it('that gives its reason already is its sentence', () => {
    const fault = new Fault('config.invalid', { count: 1 }, { cause: new Error('x') })
    expect([sayFault(fault), sayFaultWhole(fault)]).toEqual([fault.message, fault.message])
  })

  it('without a reason is its sentence', () => {
    for (const cause of [undefined, 'text', new Error('a\n stack')])
      expect(sayFault(below(cause))).toBe('The device at 10.0.0.5:502 is not connected.')
  })

  it('is told at a terminal with whatever there is', () => {
    expect(sayFaultWhole(below(new Error('no\n  way. ')))).toBe(
      'The device at 10.0.0.5:502 is not connected: no way.',
    )
    expect(sayFaultWhole(below(undefined))).toBe('The device at 10.0.0.5:502 is not connected.')
  })
})
