/** How long things take on a serial bus: the silence between frames, and the frames themselves. */

export interface BusFormat {
  /** Absent behind a device server whose bus we do not know: then time on the wire counts as nothing. */
  baudRate?: number
  parity?: 'none' | 'even' | 'odd'
  stopBits?: number
}

/** Above 19,200 baud the standard fixes the silence between frames (Serial Line V1.02, 2.5.1.1). */
const FAST_BAUD = 19_200
const FAST_SILENCE_MS = 1.75
const SILENT_CHARACTERS = 3.5
/**
 * A USB adapter hands bytes on in lumps up to 16 ms apart, and device servers wait to fill a packet: only
 * after this much nothing is it certain that a frame has ended.
 */
const MIN_QUIET_MS = 40
/** The drain's silence in units of the standard's own. */
const QUIET_SILENCES = 4

/** Bits a byte takes on the wire: start, eight data, parity, stop. */
export function bitsPerByte({ parity = 'none', stopBits = 1 }: BusFormat): number {
  return 1 + 8 + (parity === 'none' ? 0 : 1) + stopBits
}

export function transmissionMs(bytes: number, format: BusFormat): number {
  return format.baudRate === undefined ? 0 : (bytes * bitsPerByte(format) * 1000) / format.baudRate
}

/** t3.5: the silence that separates frames. */
export function interFrameMs(format: BusFormat): number {
  if (format.baudRate === undefined) return 0
  if (format.baudRate > FAST_BAUD) return FAST_SILENCE_MS
  return transmissionMs(SILENT_CHARACTERS, format)
}

/** The silence after which nothing that was under way can still be coming in pieces. */
export function quietMs(format: BusFormat): number {
  return Math.max(MIN_QUIET_MS, QUIET_SILENCES * interFrameMs(format))
}
