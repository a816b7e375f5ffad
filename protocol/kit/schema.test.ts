/** A wrong configuration is refused with every problem, its line, its path and a suggestion. */
import { Type } from 'typebox'
import { describe, expect, it } from 'vitest'
import { Fault } from './fault.ts'
import { nearest } from './nearest.ts'
import { checkConfig, findProblems, parseConfig } from './schema.ts'

const schema = Type.Object(
  {
    port: Type.Integer({ minimum: 1, maximum: 65535, default: 8080 }),
    mode: Type.Optional(Type.Union([Type.Literal('poll'), Type.Literal('subscribe')])),
    devices: Type.Array(
      Type.Object(
        { name: Type.String(), unit: Type.Optional(Type.String()) },
        { additionalProperties: false },
      ),
    ),
  },
  { additionalProperties: false },
)

function problemsOf(text: string): string[] {
  try {
    checkConfig(parseConfig(text, 'gateway.yaml'), schema)
    return []
  } catch (error) {
    if (error instanceof Fault) return String(error.detail.problems).split('\n')
    throw error
  }
}

describe('checkConfig', () => {
  it('fills in defaults and answers the value', () => {
    const value = checkConfig(parseConfig('devices: []', 'gateway.yaml'), schema)
    expect(value).toEqual({ port: 8080, devices: [] })
  })

  it('reports every problem with its line and path', () => {
    const text = 'port: 0\nmode: sometimes\ndevices:\n  - name: a\n    unti: C\n  - unit: bar\n'
    expect(problemsOf(text).sort()).toEqual([
      'gateway.yaml:1 port: must be >= 1',
      'gateway.yaml:2 mode: must be one of "poll", "subscribe"',
      'gateway.yaml:5 devices[0].unti: unknown key, did you mean "unit"?',
      'gateway.yaml:6 devices[1]: "name" is missing',
    ])
  })

  it('tells each of two wrong words what it may be, once, and which one was meant', () => {
    const text = 'mode: Pol\ndevices: []'
    expect(problemsOf(text)).toEqual([
      'gateway.yaml:1 mode: must be one of "poll", "subscribe"; did you mean "poll"?',
    ])
    const one = Type.Union([Type.Literal('a'), Type.Literal('b')])
    const list = findProblems(Type.Array(one), ['x', 'y'])
    expect(list.map(({ say }) => say)).toEqual(
      Array(2).fill('must be one of "a", "b"; did you mean "a"?'),
    )
  })

  it('says what a value is for where a pattern or several kinds refuse it, in one line', () => {
    const ref = Type.Union([Type.Integer({ minimum: 10 }), Type.String({ pattern: '^x' })], {
      description: 'A number or a name.',
    })
    expect(findProblems(ref, 3)).toEqual([{ path: [], say: '3 does not fit: A number or a name.' }])
    const url = Type.String({ pattern: '^a:', description: 'a:host' })
    expect(findProblems(url, 'b')).toEqual([{ path: [], say: 'must match pattern "^a:": a:host' }])
  })

  it('refuses a number with zeros in front: it would be read as another one', () => {
    expect(problemsOf('port: 1\nmode: 030001\ndevices: []')).toEqual([
      'gateway.yaml:2 030001 would be read as 30001: write "030001" in quotes, or the number without its zeros',
    ])
    for (const fine of ['0', '-0.5', '0.5', '0x10', '"01"', '0e3'])
      expect(problemsOf(`port: 1\nmode: ${fine}\ndevices: []`).join()).not.toContain('would be')
  })

  it('reports a syntax error and a doubled key with their lines', () => {
    expect(problemsOf('port: 1\nport: 2\ndevices: []')[0]).toMatch(/^gateway\.yaml:2 .*unique/)
    expect(problemsOf('devices: [')[0]).toMatch(/^gateway\.yaml:1 /)
  })

  it('refuses an alias bomb instead of expanding it', () => {
    const levels = Array.from(
      { length: 9 },
      (_, i) => `l${i + 1}: &l${i + 1} [${Array(9).fill(`*l${i}`).join(',')}]`,
    )
    expect(problemsOf(`l0: &l0 [x]\n${levels.join('\n')}`)[0]).toMatch(/alias/i)
  })

  it('suggests only what is near', () => {
    expect(nearest('adress', ['address', 'unit'])).toBe('address')
    expect(nearest('qqqqqq', ['address', 'unit'])).toBeUndefined()
  })
})
