/** The connection options of a Modbus device, and what only all of them together can get wrong. */
import { type Static, Type } from 'typebox'
import { ByteOrderSchema } from './address-schema.ts'
import { MAX_BITS, MAX_REGISTERS } from './planner.ts'

export const transports = ['tcp', 'rtu-over-tcp', 'rtu'] as const
export type Transport = (typeof transports)[number]

export const optionsSchema = Type.Object(
  {
    transport: Type.Union(
      transports.map((transport) => Type.Literal(transport)),
      {
        default: 'tcp',
        description:
          'tcp: Modbus TCP. rtu-over-tcp: RTU frames through a serial device server. rtu: a serial port of this machine.',
      },
    ),
    host: Type.Optional(
      Type.String({
        minLength: 1,
        description: 'Name or IP address of the device; with tcp and rtu-over-tcp.',
      }),
    ),
    port: Type.Integer({ minimum: 1, maximum: 65_535, default: 502, description: 'TCP port.' }),
    serialPort: Type.Optional(
      Type.String({
        minLength: 1,
        description:
          'Path of the serial port, with rtu: best a name that survives a reboot, /dev/serial/by-id/...',
      }),
    ),
    baudRate: Type.Optional(
      Type.Integer({
        minimum: 300,
        maximum: 4_000_000,
        description:
          'Of the bus; needed with rtu. With rtu-over-tcp it tells the deadlines and the check of the poll budget how fast the bus behind is.',
      }),
    ),
    parity: Type.Union([Type.Literal('none'), Type.Literal('even'), Type.Literal('odd')], {
      default: 'none',
      description: 'Most devices leave the factory with none; the standard asks for even.',
    }),
    dataBits: Type.Literal(8, { default: 8, description: 'RTU bytes have eight bits.' }),
    stopBits: Type.Union([Type.Literal(1), Type.Literal(2)], {
      default: 1,
      description: 'The standard asks for two where there is no parity; most devices use one.',
    }),
    interFrameMs: Type.Optional(
      Type.Number({
        minimum: 0,
        maximum: 1000,
        description:
          'Silence before each request on a bus; default 3.5 characters (1.75 ms above 19200 baud). More for converters that lose the start of a frame.',
      }),
    ),
    turnaroundMs: Type.Number({
      minimum: 0,
      maximum: 1000,
      default: 0,
      description:
        'More rest on a bus after each reply, for devices slow to switch from sending to listening.',
    }),
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
      description:
        'For each request, and for connecting (a second at least); after it the connection is made anew.',
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
    busyRetryMs: Type.Integer({
      minimum: 10,
      maximum: 60_000,
      default: 100,
      description:
        'First wait before a unit that is busy (exceptions 5 and 6) is asked again; doubles up to 60 times this.',
    }),
    writeMultiple: Type.Boolean({
      default: false,
      description: 'Write single values by function codes 15 and 16, for devices without 5 and 6.',
    }),
    writeReadBack: Type.Boolean({
      default: false,
      description:
        'Write registers by function code 23, which reads them back in the same request; a value that reads differently is refused.',
    }),
  },
  { additionalProperties: false },
)
export type ModbusOptions = Static<typeof optionsSchema>

/** Why these options cannot work together; undefined when they can. */
export function lintOptions(options: Record<string, unknown>): string | undefined {
  const { transport, host, serialPort, baudRate, interFrameMs, turnaroundMs } =
    options as ModbusOptions
  if (transport === 'rtu') {
    if (serialPort === undefined) return 'transport rtu needs "serialPort"'
    if (baudRate === undefined) return 'transport rtu needs "baudRate"'
    return host === undefined
      ? undefined
      : '"host" is not for transport rtu, which has a serial port'
  }
  if (host === undefined) return `transport ${transport} needs "host"`
  if (serialPort !== undefined) return '"serialPort" needs transport rtu'
  const isRested = interFrameMs !== undefined || turnaroundMs > 0 || baudRate !== undefined
  if (transport === 'tcp' && isRested) {
    return '"baudRate", "interFrameMs" and "turnaroundMs" are for a bus (transport rtu or rtu-over-tcp)'
  }
  return undefined
}
