/** What the files of other gateways mean without saying it: a wrong guess here is a wrong value later. */
import { describe, expect, it } from 'vitest'
import { importTelegraf } from './telegraf.ts'
import { importThingsboard } from './thingsboard.ts'

const options = { file: 'f', namespaces: {} }
type Read = ReturnType<typeof importTelegraf>

const tagsOf = ({ devices }: Read) =>
  devices.flatMap(({ groups }) => groups.flatMap(({ tags }) => tags.map(({ tag }) => tag)))
const saysOf = ({ left }: Read) => left.map(({ say }) => say)

describe('a Telegraf file', () => {
  const input = (more: string) => `[[inputs.modbus]]\n  controller = "tcp://10.0.0.5:502"\n${more}`
  const field = (style: string, text: string) =>
    input(`  [[inputs.modbus.${style}]]\n    fields = [ ${text} ]`)

  it.each(['request', 'metric'])('means IEEE by FLOAT32 in the style of %ss', (style) => {
    const [tag] = tagsOf(
      importTelegraf(field(style, '{ address=5, name="a", type="FLOAT32" }'), options),
    )
    expect(tag).toMatchObject({ type: 'Float', encoding: 'float32', address: 5 })
  })

  it('means a scaled unsigned number by FLOAT32 in the style of registers, however wide', () => {
    const register = (order: string, address: string) =>
      `{ name = "r${address}", byte_order = "${order}", data_type = "FLOAT32", scale=0.001, address = [${address}]},`
    const text = `  holding_registers = [ ${register('AB', '1')} ${register('ABCD', '2,3')} ${register('ABCDEFGH', '4,5,6,7')} ]`
    const encodings = tagsOf(importTelegraf(input(text), options)).map(({ encoding }) => encoding)
    expect(encodings).toEqual(['uint16', 'uint32', 'uint64'])
  })

  it('does not want what it omits, and takes a bit of a register', () => {
    const text =
      '{ address=1, type="UINT16", omit=true }, { address=2, name="b", type="BIT", bit=3 }'
    const read = importTelegraf(field('request', text), options)
    expect(tagsOf(read)).toEqual([
      { name: 'b', type: 'Boolean', encoding: 'bool', bit: 3, table: 'holding', address: 2 },
    ])
    expect(saysOf(read)).toEqual([])
  })

  it('may limit its requests, and name the clock of its readings', () => {
    const limited = `${input('  coils = [ { name = "a", address = [0] } ]')}
  [inputs.modbus.workarounds]
    max_word_registers_per_request = 20
    one_request_per_field = true`
    const read = importTelegraf(limited, options)
    expect(read.devices[0]?.head).toMatchObject({ maxRegisters: 20 })
    expect(saysOf(read).join()).toContain('"one_request_per_field"')
    const nodes = `nodes = [ { name="a", namespace="0", identifier_type="i", identifier="2258" }, { name="b", namespace="0" } ]`
    const opcua = importTelegraf(
      `[[inputs.opcua]]\n endpoint = "opc.tcp://h:4840"\n timestamp = "gather"\n ${nodes}`,
      options,
    )
    expect(opcua.devices[0]?.head).toMatchObject({ timestamp: 'gather' })
    expect(tagsOf(opcua)).toHaveLength(1)
    expect(saysOf(opcua)).toContain('"b" left: it has no identifier')
  })

  it('may hold variables, which are told, and lack a baud rate, which is told too', () => {
    const one = 'coils = [ { name = "a", address = [0] } ]'
    const named = `[[inputs.modbus]]\n controller = "tcp://\${PLC}:502"\n ${one}`
    expect(saysOf(importTelegraf(named, options)).join()).toContain('is taken as it stands')
    const serial = `[[inputs.modbus]]\n controller = "file:///dev/ttyS0"\n ${one}`
    expect(saysOf(importTelegraf(serial, options)).join()).toContain('9600 taken')
  })
})

describe('a ThingsBoard file', () => {
  const importSlave = (slave: object) =>
    importThingsboard(JSON.stringify({ master: { slaves: [slave] } }), options)
  const place = { type: 'tcp', host: '10.0.0.5', port: 502, deviceName: 'd' }
  const row = { tag: 'a', type: '32int', functionCode: 3, objectsCount: 2, address: 8 }

  it('means LITTLE by an order it does not tell, of bytes and of words', () => {
    const orderOf = (slave: object, tag: object = {}) =>
      tagsOf(importSlave({ ...place, ...slave, timeseries: [{ ...row, ...tag }] }))[0]?.byteOrder
    expect(orderOf({})).toBe('DCBA')
    expect(orderOf({ byteOrder: 'BIG' })).toBe('CDAB')
    expect(orderOf({ byteOrder: 'BIG', wordOrder: 'BIG' })).toBeUndefined()
    expect(orderOf({ byteOrder: 'BIG' }, { wordOrder: 'BIG' })).toBeUndefined()
  })

  it('of an older kind has the mapping within the server, the node under path, and an address alone', () => {
    const timeseries = [{ key: 'a', path: ['$', '{ns=0;i=2258}'].join('') }]
    const mapping = [{ deviceNodePattern: 'x', deviceNamePattern: 'D', timeseries }]
    const server = { url: 'localhost:4840/x', disableSubscriptions: false, mapping }
    const read = importThingsboard(JSON.stringify({ server }), options)
    expect(read.devices[0]?.head).toMatchObject({ endpoint: 'opc.tcp://localhost:4840/x' })
    expect(read.devices[0]?.groups[0]?.head).toMatchObject({ mode: 'subscribe' })
    expect(tagsOf(read)).toEqual([{ name: 'D/a', type: 'Double', nodeId: 'i=2258' }])
  })

  it('means 19200 by a baud rate it does not tell', () => {
    const { devices } = importSlave({
      ...place,
      type: 'serial',
      port: '/dev/ttyS0',
      timeseries: [row],
    })
    expect(devices[0]?.head).toMatchObject({ transport: 'rtu', baudRate: 19_200 })
  })

  it('has words at a tag that ours has not: they are told', () => {
    const read = importSlave({ ...place, timeseries: [{ ...row, reportStrategy: {} }] })
    expect(saysOf(read)).toEqual(['"reportStrategy" left: ours has no such word'])
  })
})
