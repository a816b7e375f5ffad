/** Modbus exception codes in words (Modbus Application Protocol V1.1b3, 7). */
const meanings: Readonly<Record<number, string>> = {
  1: 'the device has no such function: another table, or it cannot write',
  2: 'the device has no such address',
  3: 'the device refuses this quantity or value',
  4: 'the device failed at it',
  5: 'the device has accepted it and still works on it',
  6: 'the device is busy',
  8: 'the device found an error in its memory',
  10: 'the gateway has no way to the unit',
  11: 'the unit does not answer',
}

/** Undefined for what the standard does not know. */
export function sayStatus(status: number): string | undefined {
  return meanings[status]
}
