/** Passwords made for one run: random, and easy to type from a terminal. */
import { randomInt } from 'node:crypto'

/** Without letters that look alike. */
const ALPHABET = 'abcdefghjkmnpqrstuvwxyz23456789'

/** Four groups of four: about 79 bits. */
export function createPassword(): string {
  const group = (): string =>
    Array.from({ length: 4 }, () => ALPHABET[randomInt(ALPHABET.length)]).join('')
  return [group(), group(), group(), group()].join('-')
}
