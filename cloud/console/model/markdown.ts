/** The little Markdown that model cards are written in, parsed to blocks of plain text: no HTML, no links, nothing that runs. Pure. */

export interface Run {
  kind: 'text' | 'code' | 'strong'
  text: string
}
export type Block =
  | { kind: 'heading'; level: number; runs: Run[] }
  | { kind: 'paragraph'; runs: Run[] }
  | { kind: 'list'; ordered: boolean; items: Run[][] }
  | { kind: 'table'; head: Run[][]; rows: Run[][][] }
  | { kind: 'code'; text: string }

/** Splits a line into plain, `code` and **strong** runs; a mark without its partner stays as it is. */
export function parseRuns(line: string): Run[] {
  const runs: Run[] = []
  let rest = 0
  for (const found of line.matchAll(/`([^`]+)`|\*\*([^*]+)\*\*/g)) {
    if (found.index > rest) runs.push({ kind: 'text', text: line.slice(rest, found.index) })
    const [, code, strong] = found
    runs.push(
      code === undefined ? { kind: 'strong', text: strong ?? '' } : { kind: 'code', text: code },
    )
    rest = found.index + found[0].length
  }
  if (rest < line.length) runs.push({ kind: 'text', text: line.slice(rest) })
  return runs
}

const bullet = /^\s*(?:[-*+]|(\d+)[.)])\s+(.*)$/
const heading = /^(#{1,6})\s+(.*)$/
const ruler = /^\|?\s*:?-{2,}/

const cellsOf = (line: string) =>
  line
    .trim()
    .replace(/^\||\|$/g, '')
    .split('|')
    .map((cell) => parseRuns(cell.trim()))

/** Takes the lines of one block from the front. */
function takeBlock(lines: string[]): Block {
  const line = lines.shift() ?? ''
  const title = heading.exec(line)
  if (title) {
    return { kind: 'heading', level: title[1]?.length ?? 1, runs: parseRuns(title[2] ?? '') }
  }
  if (line.startsWith('```')) {
    const end = lines.findIndex((each) => each.startsWith('```'))
    const inside = lines.splice(0, end < 0 ? lines.length : end + 1)
    return { kind: 'code', text: inside.slice(0, end < 0 ? undefined : -1).join('\n') }
  }
  if (line.trimStart().startsWith('|') && ruler.test(lines[0] ?? '')) {
    lines.shift()
    const rows: Run[][][] = []
    while (lines[0]?.trimStart().startsWith('|')) rows.push(cellsOf(lines.shift() ?? ''))
    return { kind: 'table', head: cellsOf(line), rows }
  }
  const item = bullet.exec(line)
  if (item) return takeList(lines, item)
  const text = [line.trim()]
  while (lines[0]?.trim() && !startsBlock(lines[0])) text.push((lines.shift() ?? '').trim())
  return { kind: 'paragraph', runs: parseRuns(text.join(' ')) }
}

function takeList(lines: string[], first: RegExpExecArray): Block {
  const items = [first[2] ?? '']
  while (lines[0]?.trim()) {
    const next = bullet.exec(lines[0])
    if (!next && startsBlock(lines[0])) break
    const line = lines.shift() ?? ''
    // A line without a bullet of its own goes on with the item before it.
    if (next) items.push(next[2] ?? '')
    else items.push(`${items.pop() ?? ''} ${line.trim()}`)
  }
  return { kind: 'list', ordered: first[1] !== undefined, items: items.map(parseRuns) }
}

const startsBlock = (line: string) =>
  heading.test(line) || bullet.test(line) || line.startsWith('```') || /^\s*\|/.test(line)

export function parseMarkdown(text: string): Block[] {
  const lines = text.replaceAll('\r', '').split('\n')
  const blocks: Block[] = []
  while (lines.length > 0) {
    if (lines[0]?.trim()) blocks.push(takeBlock(lines))
    else lines.shift()
  }
  return blocks
}
