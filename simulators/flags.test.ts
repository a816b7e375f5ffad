/** Wrong flags are all told at once, with the words that help. */
import { describe, expect, it } from 'vitest'
import { Fault } from '../protocol/kit/fault.ts'
import { parseFlags } from './flags.ts'

function problemsOf(args: string[]): string[] {
  try {
    parseFlags(args)
  } catch (error) {
    if (error instanceof Fault) return String(error.detail.problems).split('\n')
  }
  return []
}

describe('parseFlags', () => {
  it('reads every flag', () => {
    const args = ['press', '--name', 'p1', '--dir', '/d', '--opcua-port', '4840', '--speed', '2']
    expect(parseFlags([...args, '--fault-after', '10'])).toMatchObject({
      machine: 'press',
      name: 'p1',
      dir: '/d',
      opcuaPort: 4840,
      speed: 2,
      faultAfter: 10,
    })
  })

  it('lets only the press fail by itself, after 75 s, unless told never', () => {
    expect(parseFlags(['press', '--dir', '/d']).faultAfter).toBe(75)
    expect(parseFlags(['press', '--dir', '/d', '--fault-after', 'never']).faultAfter).toBe(
      undefined,
    )
    expect(parseFlags(['chiller']).faultAfter).toBe(undefined)
  })

  it('tells all problems at once', () => {
    expect(problemsOf(['press', '--sped', '--http-port=99999', '--modbus-port=1'])).toEqual([
      expect.stringContaining('--sped'),
      expect.stringContaining('--http-port 99999: a port is'),
      expect.stringContaining('--modbus-port 1: a press has no such flag'),
      '--dir DIR is missing',
    ])
    expect(problemsOf(['toaster'])).toEqual([
      expect.stringContaining('press, chiller, pos, printer'),
    ])
  })
})
