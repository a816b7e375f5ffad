/** The connection options of a Modbus TCP device. */
import { type Static, Type } from 'typebox'
import { ByteOrderSchema } from './address.ts'
import { MAX_BITS, MAX_REGISTERS } from './planner.ts'

export const optionsSchema = Type.Object(
  {
    host: Type.String({ minLength: 1, description: 'Name or IP address of the device.' }),
    port: Type.Integer({ minimum: 1, maximum: 65_535, default: 502, description: 'TCP port.' }),
    unit: Type.Integer({
      minimum: 0,
      maximum: 255,
      default: 1,
      description: 'Unit (slave) id of tags that name none.',
    }),
    timeoutMs: Type.Integer({
      minimum: 50,
      maximum: 60_000,
      default: 2000,
      description: 'For connecting and for each request; after it the connection is made anew.',
    }),
    byteOrder: Type.Union([...ByteOrderSchema.anyOf], {
      default: 'ABCD',
      description: 'Byte order of tags that name none; A is the highest byte of a 32-bit value.',
    }),
    maxGap: Type.Integer({
      minimum: 0,
      maximum: MAX_BITS,
      default: 10,
      description: 'Registers (or bits) nobody asked for that one request may read over.',
    }),
    maxRegisters: Type.Integer({
      minimum: 1,
      maximum: MAX_REGISTERS,
      default: MAX_REGISTERS,
      description: 'Registers a request, for devices that allow fewer than 125.',
    }),
    maxBits: Type.Integer({
      minimum: 1,
      maximum: MAX_BITS,
      default: MAX_BITS,
      description: 'Coils or discrete inputs a request, for devices that allow fewer than 2000.',
    }),
    holeRetryMs: Type.Integer({
      minimum: 10,
      maximum: 3_600_000,
      default: 5000,
      description:
        'First wait before a refused address (or a unit that is down) is asked again; doubles up to 60 times this.',
    }),
    writeMultiple: Type.Boolean({
      default: false,
      description: 'Write single values by function codes 15 and 16, for devices without 5 and 6.',
    }),
  },
  { additionalProperties: false },
)
export type ModbusOptions = Static<typeof optionsSchema>
