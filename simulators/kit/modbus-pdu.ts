/** Answers one Modbus request PDU (function codes 1-6, 8, 15, 16, 22, 23) from a memory; no sockets here. */
import type { ModbusMemory, ModbusTable } from './modbus-memory.ts'

/** Modbus Application Protocol V1.1b3, section 7. */
export const exceptions = { illegalFunction: 1, illegalAddress: 2, illegalValue: 3 } as const

/** What a request asks for, before it is carried out; quantity 1 for single writes. */
export interface ModbusRequest {
  transaction: number
  unit: number
  fn: number
  address: number
  quantity: number
  /** What a well-formed write wants to store: registers, or bits as 0 and 1. */
  values?: number[]
}

/** A write the memory has taken over. */
export interface ModbusWrite {
  unit: number
  table: 'holding' | 'coils'
  address: number
  values: number[]
}

export interface PduAnswer {
  pdu: Buffer
  write?: ModbusWrite
}

interface FunctionEntry {
  table: ModbusTable
  access: 'read' | 'write-one' | 'write-many'
  /** Largest quantity of one request (section 6 of the specification). */
  max: number
}

const functions: Readonly<Record<number, FunctionEntry>> = {
  1: { table: 'coils', access: 'read', max: 2000 },
  2: { table: 'discrete', access: 'read', max: 2000 },
  3: { table: 'holding', access: 'read', max: 125 },
  4: { table: 'input', access: 'read', max: 125 },
  5: { table: 'coils', access: 'write-one', max: 1 },
  6: { table: 'holding', access: 'write-one', max: 1 },
  15: { table: 'coils', access: 'write-many', max: 1968 },
  16: { table: 'holding', access: 'write-many', max: 123 },
}

/** Functions that fit no row of the table above. */
const DIAGNOSTICS = 8
const MASK_WRITE = 22
const READ_WRITE = 23
/** Registers that one read/write request may write (6.17 of the specification). */
const MAX_READ_WRITE_WRITTEN = 121

/** Exception response: function code with the high bit set, then the code. */
export function encodeException(fn: number, code: number): Buffer {
  return Buffer.from([(fn | 0x80) & 0xff, code])
}

/** What a request PDU states; zeros where it is too short. */
export function peekRequest(pdu: Buffer): Omit<ModbusRequest, 'transaction' | 'unit'> {
  const fn = pdu[0] ?? 0
  const address = pdu.length >= 3 ? pdu.readUInt16BE(1) : 0
  const isSingle = functions[fn]?.access === 'write-one' || fn === MASK_WRITE
  const quantity = isSingle ? 1 : pdu.length >= 5 ? pdu.readUInt16BE(3) : 0
  const entry = functions[fn]
  if (!entry || entry.access === 'read' || pdu.length < 5) return { fn, address, quantity }
  return { fn, address, quantity, values: decodeValues(entry, pdu, quantity) }
}

/** Carries the request out on the memory and gives the response PDU. */
export function answerPdu(memory: ModbusMemory, unit: number, pdu: Buffer): PduAnswer {
  const { fn, address, quantity, values } = peekRequest(pdu)
  if (fn === MASK_WRITE) return maskWrite(memory, unit, pdu)
  if (fn === READ_WRITE) return readWrite(memory, unit, pdu)
  if (fn === DIAGNOSTICS) return echo(pdu)
  const entry = functions[fn]
  if (!entry) return { pdu: encodeException(fn, exceptions.illegalFunction) }
  if (pdu.length < 5 || quantity < 1 || quantity > entry.max) {
    return { pdu: encodeException(fn, exceptions.illegalValue) }
  }
  if (!memory.has(entry.table, address, quantity)) {
    return { pdu: encodeException(fn, exceptions.illegalAddress) }
  }
  if (entry.access === 'read') {
    return { pdu: readTable(memory, entry.table, { fn, address, quantity }) }
  }
  if (!values) return { pdu: encodeException(fn, exceptions.illegalValue) }
  const table = entry.table === 'coils' ? 'coils' : 'holding'
  values.forEach((value, i) => {
    memory.set(table, address + i, value)
  })
  return { pdu: Buffer.from(pdu.subarray(0, 5)), write: { unit, table, address, values } }
}

/** Function 8, sub-function 0: the same bytes back. */
function echo(pdu: Buffer): PduAnswer {
  const isEcho = pdu.length >= 5 && pdu.readUInt16BE(1) === 0
  return {
    pdu: isEcho ? Buffer.from(pdu) : encodeException(DIAGNOSTICS, exceptions.illegalFunction),
  }
}

/** Function 22: (register AND and-mask) OR (or-mask AND NOT and-mask). */
function maskWrite(memory: ModbusMemory, unit: number, pdu: Buffer): PduAnswer {
  if (pdu.length !== 7) return { pdu: encodeException(MASK_WRITE, exceptions.illegalValue) }
  const address = pdu.readUInt16BE(1)
  if (!memory.has('holding', address)) {
    return { pdu: encodeException(MASK_WRITE, exceptions.illegalAddress) }
  }
  const and = pdu.readUInt16BE(3)
  const value = (memory.get('holding', address) & and) | (pdu.readUInt16BE(5) & ~and & 0xffff)
  memory.set('holding', address, value)
  return { pdu: Buffer.from(pdu), write: { unit, table: 'holding', address, values: [value] } }
}

/** Function 23: writes first, then reads. */
function readWrite(memory: ModbusMemory, unit: number, pdu: Buffer): PduAnswer {
  const refuse = (code: number) => ({ pdu: encodeException(READ_WRITE, code) })
  if (pdu.length < 12) return refuse(exceptions.illegalValue)
  const [from, count, address, written] = [1, 3, 5, 7].map((at) => pdu.readUInt16BE(at)) as [
    number,
    number,
    number,
    number,
  ]
  const data = pdu.subarray(10)
  const isWhole = pdu[9] === written * 2 && data.length === written * 2
  const isLegal = count >= 1 && count <= 125 && written >= 1 && written <= MAX_READ_WRITE_WRITTEN
  if (!isWhole || !isLegal) return refuse(exceptions.illegalValue)
  if (!memory.has('holding', from, count) || !memory.has('holding', address, written)) {
    return refuse(exceptions.illegalAddress)
  }
  const values = Array.from({ length: written }, (_, i) => data.readUInt16BE(i * 2))
  values.forEach((value, i) => {
    memory.set('holding', address + i, value)
  })
  const read = { fn: READ_WRITE, address: from, quantity: count }
  return {
    pdu: readTable(memory, 'holding', read),
    write: { unit, table: 'holding', address, values },
  }
}

function isBitTable(table: ModbusTable): boolean {
  return table === 'coils' || table === 'discrete'
}

function readTable(
  memory: ModbusMemory,
  table: ModbusTable,
  { fn, address, quantity }: { fn: number; address: number; quantity: number },
): Buffer {
  const bytes = Buffer.alloc(isBitTable(table) ? Math.ceil(quantity / 8) : quantity * 2)
  for (let i = 0; i < quantity; i++) {
    const value = memory.get(table, address + i)
    if (!isBitTable(table)) bytes.writeUInt16BE(value, i * 2)
    else if (value) bytes[i >> 3] = (bytes[i >> 3] ?? 0) | (1 << (i & 7))
  }
  return Buffer.concat([Buffer.from([fn, bytes.length]), bytes])
}

/** The values a write carries; undefined when its byte count or coil value is wrong. */
function decodeValues(entry: FunctionEntry, pdu: Buffer, quantity: number): number[] | undefined {
  if (entry.access === 'write-one') {
    const value = pdu.readUInt16BE(3)
    if (entry.table === 'holding') return [value]
    return value === 0xff00 ? [1] : value === 0 ? [0] : undefined
  }
  const size = entry.table === 'coils' ? Math.ceil(quantity / 8) : quantity * 2
  const data = pdu.subarray(6)
  if (pdu[5] !== size || data.length !== size) return undefined
  return Array.from({ length: quantity }, (_, i) =>
    entry.table === 'coils' ? ((data[i >> 3] ?? 0) >> (i & 7)) & 1 : data.readUInt16BE(i * 2),
  )
}
