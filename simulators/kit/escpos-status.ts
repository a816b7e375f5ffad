/** What an ESC/POS printer knows of itself, and the status bytes it says that in (Epson's layout). */

export interface PrinterState {
  cover: 'open' | 'closed'
  paper: 'ok' | 'near-end' | 'end'
  /** The operator's switch; an open cover, the paper's end or an error take the printer off line too. */
  online: boolean
  /** Pin 3 of the kick-out connector: HIGH while the drawer is open. */
  drawer: 'open' | 'closed'
  /** Blocked auto-cutter: recoverable by DLE ENQ 2 once the jam is gone. */
  cutterError: boolean
}

export const healthyPrinter: PrinterState = {
  cover: 'closed',
  paper: 'ok',
  online: true,
  drawer: 'closed',
  cutterError: false,
}

/** True when it takes no print data. */
export function isOffline(state: PrinterState): boolean {
  return !state.online || state.cover === 'open' || state.paper === 'end' || state.cutterError
}

/** Bits 1 and 4 are fixed to one in every answer to DLE EOT: that is how a host tells them apart. */
const REALTIME_FIXED = 0x12
/** Bit 4 alone is fixed to one in the first byte of an automatic status. */
const ASB_FIXED = 0x10

const flag = (on: boolean, bits: number): number => (on ? bits : 0)

/** The one byte answered to `DLE EOT n`; undefined for an n that is ignored. */
export function encodeRealtimeStatus(n: number, state: PrinterState): number | undefined {
  switch (n) {
    case 1: // printer
      return REALTIME_FIXED | flag(state.drawer === 'open', 0x04) | flag(isOffline(state), 0x08)
    case 2: // cause of being off line
      return (
        REALTIME_FIXED |
        flag(state.cover === 'open', 0x04) |
        flag(state.paper === 'end', 0x20) |
        flag(state.cutterError, 0x40)
      )
    case 3: // cause of the error
      return REALTIME_FIXED | flag(state.cutterError, 0x08)
    case 4: // roll paper: two bits per sensor
      return REALTIME_FIXED | flag(state.paper !== 'ok', 0x0c) | flag(state.paper === 'end', 0x60)
    default:
      return undefined
  }
}

/** The four bytes of automatic status back (`GS a`). */
export function encodeAutomaticStatus(state: PrinterState): Buffer {
  return Buffer.from([
    ASB_FIXED |
      flag(state.drawer === 'open', 0x04) |
      flag(isOffline(state), 0x08) |
      flag(state.cover === 'open', 0x20),
    flag(state.cutterError, 0x08),
    paperBits(state),
    0,
  ])
}

/** The byte answered to `GS r n`: 1 is the paper sensors, 2 the drawer; undefined for other n. */
export function encodeTransmitStatus(n: number, state: PrinterState): number | undefined {
  if (n === 1 || n === 49) return paperBits(state)
  if (n === 2 || n === 50) return flag(state.drawer === 'open', 0x01)
  return undefined
}

function paperBits(state: PrinterState): number {
  return flag(state.paper !== 'ok', 0x03) | flag(state.paper === 'end', 0x0c)
}

/** Which changes `GS a n` asked to be told of, one bit per group. */
const ASB_DRAWER = 0x01
const ASB_ONLINE = 0x02
const ASB_ERROR = 0x04
const ASB_PAPER = 0x08

/** True when the change from one state to the other is one that mask n reports. */
export function isReported(n: number, before: PrinterState, after: PrinterState): boolean {
  const isOnlineChanged = isOffline(before) !== isOffline(after) || before.cover !== after.cover
  return (
    ((n & ASB_DRAWER) !== 0 && before.drawer !== after.drawer) ||
    ((n & ASB_ONLINE) !== 0 && isOnlineChanged) ||
    ((n & ASB_ERROR) !== 0 && before.cutterError !== after.cutterError) ||
    ((n & ASB_PAPER) !== 0 && before.paper !== after.paper)
  )
}
