/** Characters in registers: Latin-1, ASCII, and Shift_JIS (read only). */
import type { Charset } from './address-schema.ts'

/** Refuses what is no Shift_JIS instead of putting marks into a name plate. */
const shiftJis = new TextDecoder('shift_jis', { fatal: true })

/** Up to the first NUL, padding blanks cut; undefined when the bytes are no text of this kind. */
export function decodeText(bytes: Buffer, charset: Charset): string | undefined {
  const end = bytes.indexOf(0)
  const used = end < 0 ? bytes : bytes.subarray(0, end)
  if (charset === 'latin1') return used.toString('latin1').trimEnd()
  if (charset === 'ascii') {
    return used.every((byte) => byte < 0x80) ? used.toString('latin1').trimEnd() : undefined
  }
  try {
    return shiftJis.decode(used).trimEnd()
  } catch {
    // The answer is "no text": a bad reading is quality, not an exception.
    return undefined
  }
}

/** Throws TypeError or RangeError for a character that cannot be written. */
export function encodeText(text: string, charset: Charset): Buffer {
  if (charset === 'shift_jis') throw new TypeError('Shift_JIS text can be read, not written')
  const highest = charset === 'ascii' ? 0x7f : 0xff
  for (const character of text) {
    if ((character.codePointAt(0) ?? 0) > highest) {
      throw new RangeError(`"${character}" is no ${charset} character`)
    }
  }
  return Buffer.from(text, 'latin1')
}
