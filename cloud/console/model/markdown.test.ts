/** What of a model card's Markdown is understood, and that nothing in it can become more than text. */
import { describe, expect, it } from 'vitest'
import { parseMarkdown, parseRuns } from './markdown.ts'

const text = (value: string) => [{ kind: 'text', text: value }]

describe('a model card', () => {
  it('is read as headings, paragraphs, lists and tables', () => {
    const card = [
      '# press',
      'One row',
      'every 1 s.',
      '',
      '- it knows',
      '  what it saw',
      '- not more',
      '',
      '| tag | unit |',
      '|---|---|',
      '| CE | % |',
    ].join('\n')
    expect(parseMarkdown(card)).toEqual([
      { kind: 'heading', level: 1, runs: text('press') },
      { kind: 'paragraph', runs: text('One row every 1 s.') },
      { kind: 'list', ordered: false, items: [text('it knows what it saw'), text('not more')] },
      { kind: 'table', head: [text('tag'), text('unit')], rows: [[text('CE'), text('%')]] },
    ])
  })

  it('marks code and strong words, and leaves a lone mark alone', () => {
    expect(parseRuns('SHA `abc` is **right**, 2 * 3 ` 4')).toEqual([
      { kind: 'text', text: 'SHA ' },
      { kind: 'code', text: 'abc' },
      { kind: 'text', text: ' is ' },
      { kind: 'strong', text: 'right' },
      { kind: 'text', text: ', 2 * 3 ` 4' },
    ])
  })

  it('keeps HTML and links as the text they are', () => {
    const nasty = '<img src=x onerror=alert(1)> [here](javascript:alert(1))'
    expect(parseMarkdown(nasty)).toEqual([{ kind: 'paragraph', runs: text(nasty) }])
  })

  it('ends an open fence with the card, and a line of bars without a ruler is a paragraph', () => {
    expect(parseMarkdown('```\na\n\nb')).toEqual([{ kind: 'code', text: 'a\n\nb' }])
    expect(parseMarkdown('| a | b |')).toEqual([{ kind: 'paragraph', runs: text('| a | b |') }])
  })
})
