/** Cuts an ESC/POS byte stream into commands and text, whatever the packets' borders. */

export type PrinterCommand =
  /** DLE, ESC, FS or GS with its function byte and parameters. */
  | { kind: 'command'; prefix: number; fn: number; parameters: Buffer }
  | { kind: 'text'; byte: number }

export const DLE = 0x10
export const ESC = 0x1b
export const FS = 0x1c
export const GS = 0x1d

/** Parameter bytes after `ESC x`; a function that is not here takes none. */
const escLengths = new Map<number, number>(
  Object.entries({
    '!': 1,
    '%': 1,
    '-': 1,
    '3': 1,
    '=': 1,
    ' ': 1,
    E: 1,
    G: 1,
    J: 1,
    M: 1,
    R: 1,
    V: 1,
    a: 1,
    d: 1,
    e: 1,
    r: 1,
    t: 1,
    '{': 1,
    $: 2,
    '\\': 2,
    p: 3,
  }).map(([key, length]) => [key.charCodeAt(0), length]),
)

/** Parameter bytes after `GS x`, before any data whose size they state. */
const gsLengths = new Map<number, number>(
  Object.entries({
    '!': 1,
    B: 1,
    H: 1,
    I: 1,
    V: 1,
    a: 1,
    b: 1,
    f: 1,
    h: 1,
    r: 1,
    w: 1,
    $: 2,
    L: 2,
    W: 2,
    '(': 3,
    k: 2,
    v: 6,
  }).map(([key, length]) => [key.charCodeAt(0), length]),
)

/** Longest command kept while it is incomplete: a raster image of 576 dots by 2400 lines and its header. */
const MAX_COMMAND_BYTES = 72 * 2400 + 8

/** Takes one chunk; gives the commands and the rest to hand in again with the next chunk. */
export function parseCommands(stream: Buffer): { commands: PrinterCommand[]; rest: Buffer } {
  const commands: PrinterCommand[] = []
  let at = 0
  while (at < stream.length) {
    const prefix = stream[at] ?? 0
    if (prefix !== DLE && prefix !== ESC && prefix !== FS && prefix !== GS) {
      commands.push({ kind: 'text', byte: prefix })
      at++
      continue
    }
    const size = commandSize(stream.subarray(at))
    if (size > MAX_COMMAND_BYTES) return { commands, rest: Buffer.alloc(0) }
    if (at + size > stream.length) break
    const parameters = Buffer.from(stream.subarray(at + 2, at + size))
    commands.push({ kind: 'command', prefix, fn: stream[at + 1] ?? 0, parameters })
    at += size
  }
  return { commands, rest: Buffer.from(stream.subarray(at)) }
}

/** Bytes the command at the front needs, as far as can be told; more than there are: wait. */
function commandSize(bytes: Buffer): number {
  const [prefix, fn] = bytes
  if (fn === undefined) return 2
  if (prefix === DLE) return fn === 0x14 ? 5 : 3
  if (prefix === FS) return 3
  if (prefix === ESC) return fn === 0x2a ? imageSize(bytes) : 2 + (escLengths.get(fn) ?? 0)
  const fixed = 2 + (gsLengths.get(fn) ?? 0)
  if (bytes.length < fixed) return fixed
  return fixed + gsDataSize(fn, bytes)
}

/** `ESC * m nL nH data`: one byte per column, three in the 24-dot modes. */
function imageSize(bytes: Buffer): number {
  if (bytes.length < 5) return 5
  const columns = bytes.readUInt16LE(3)
  return 5 + columns * ((bytes[2] ?? 0) >= 32 ? 3 : 1)
}

function gsDataSize(fn: number, bytes: Buffer): number {
  switch (String.fromCharCode(fn)) {
    case 'V': // modes 65.. feed first and carry one byte more
      return (bytes[2] ?? 0) >= 65 ? 1 : 0
    case '(': // GS ( fn pL pH data
      return bytes.readUInt16LE(3)
    case 'v': // GS v 0 m xL xH yL yH data
      return bytes.readUInt16LE(4) * bytes.readUInt16LE(6)
    case 'k': // m < 65: the data ends with NUL; else its length stands first
      return (bytes[2] ?? 0) >= 65 ? (bytes[3] ?? 0) : Math.max(0, terminated(bytes))
    default:
      return 0
  }
}

function terminated(bytes: Buffer): number {
  const end = bytes.indexOf(0, 3)
  return end < 0 ? bytes.length + 1 : end - 3
}
