/** The registers and coils of one Modbus unit: only declared ranges exist, everything else is a hole. */

export type RegisterTable = 'holding' | 'input'
export type BitTable = 'coils' | 'discrete'
export type ModbusTable = RegisterTable | BitTable
/** Letters name the bytes of a big-endian 32-bit value, in the order they stand on the wire. */
export type ByteOrder = 'ABCD' | 'CDAB' | 'BADC' | 'DCBA'
/** `[first address, count]`. */
export type ModbusRange = readonly [start: number, count: number]

/** Which addresses of each table exist; a table left out is empty. */
export type ModbusLayout = Partial<Record<ModbusTable, readonly ModbusRange[]>>

/** Where the value's bytes A, B, C, D come to stand. */
const positions = {
  ABCD: [0, 1, 2, 3],
  CDAB: [2, 3, 0, 1],
  BADC: [1, 0, 3, 2],
  DCBA: [3, 2, 1, 0],
} as const satisfies Record<ByteOrder, readonly number[]>

/** One unit's four tables. Reading or writing outside the declared ranges throws RangeError. */
export class ModbusMemory {
  readonly holding = new Map<number, number>()
  readonly input = new Map<number, number>()
  readonly coils = new Map<number, number>()
  readonly discrete = new Map<number, number>()

  /** True when every address of the block exists. */
  has(table: ModbusTable, address: number, quantity = 1): boolean {
    for (let i = 0; i < quantity; i++) if (!this[table].has(address + i)) return false
    return true
  }

  /** A register (0..65535) or a bit (0 or 1). */
  get(table: ModbusTable, address: number): number {
    const value = this[table].get(address)
    if (value === undefined) throw new RangeError(`${table} ${address} does not exist`)
    return value
  }

  set(table: ModbusTable, address: number, value: number | boolean): void {
    if (!this[table].has(address)) throw new RangeError(`${table} ${address} does not exist`)
    const isBit = table === 'coils' || table === 'discrete'
    this[table].set(address, isBit ? Number(Boolean(value)) : Number(value) & 0xffff)
  }

  getBit(table: BitTable, address: number): boolean {
    return this.get(table, address) === 1
  }

  setBit(table: BitTable, address: number, value: boolean): void {
    this.set(table, address, value)
  }

  getUint16(table: RegisterTable, address: number): number {
    return this.get(table, address)
  }

  setUint16(table: RegisterTable, address: number, value: number): void {
    this.set(table, address, value)
  }

  getInt16(table: RegisterTable, address: number): number {
    return (this.get(table, address) << 16) >> 16
  }

  setInt16(table: RegisterTable, address: number, value: number): void {
    this.set(table, address, value)
  }

  getUint32(table: RegisterTable, address: number, order: ByteOrder = 'ABCD'): number {
    return this.getBytes(table, address, order).readUInt32BE()
  }

  setUint32(table: RegisterTable, address: number, value: number, order: ByteOrder = 'ABCD'): void {
    const bytes = Buffer.alloc(4)
    bytes.writeUInt32BE(value >>> 0)
    this.setBytes(table, address, bytes, order)
  }

  getInt32(table: RegisterTable, address: number, order: ByteOrder = 'ABCD'): number {
    return this.getBytes(table, address, order).readInt32BE()
  }

  setInt32(table: RegisterTable, address: number, value: number, order: ByteOrder = 'ABCD'): void {
    this.setUint32(table, address, value >>> 0, order)
  }

  getFloat32(table: RegisterTable, address: number, order: ByteOrder = 'ABCD'): number {
    return this.getBytes(table, address, order).readFloatBE()
  }

  setFloat32(table: RegisterTable, address: number, value: number, order: ByteOrder = 'ABCD') {
    const bytes = Buffer.alloc(4)
    bytes.writeFloatBE(value)
    this.setBytes(table, address, bytes, order)
  }

  private getBytes(table: RegisterTable, address: number, order: ByteOrder): Buffer {
    const wire = Buffer.alloc(4)
    wire.writeUInt16BE(this.get(table, address), 0)
    wire.writeUInt16BE(this.get(table, address + 1), 2)
    const bytes = Buffer.alloc(4)
    positions[order].forEach((at, i) => {
      bytes[i] = wire[at] ?? 0
    })
    return bytes
  }

  private setBytes(table: RegisterTable, address: number, bytes: Buffer, order: ByteOrder): void {
    const wire = Buffer.alloc(4)
    positions[order].forEach((at, i) => {
      wire[at] = bytes[i] ?? 0
    })
    this.set(table, address, wire.readUInt16BE(0))
    this.set(table, address + 1, wire.readUInt16BE(2))
  }
}
