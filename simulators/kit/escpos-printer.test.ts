/** The printer as a raw socket sees it: status bytes in Epson's layout. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { afterEach, expect, it } from 'vitest'
import { openPrinter, type PrinterOptions } from './escpos-printer.ts'

const stack: AsyncDisposable[] = []
const sockets: Socket[] = []
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy()
  for (const item of stack.splice(0).reverse()) await item[Symbol.asyncDispose]()
})

async function openPair(options?: PrinterOptions) {
  const printer = await openPrinter(options)
  stack.push(printer)
  return { printer, socket: await dial(printer.port) }
}

async function dial(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  sockets.push(socket)
  await once(socket, 'connect')
  return socket
}

async function receive(socket: Socket, bytes: number): Promise<string> {
  let all = Buffer.alloc(0)
  while (all.length < bytes) all = Buffer.concat([all, (await once(socket, 'data'))[0] as Buffer])
  return all.toString('hex')
}

const askAll = Buffer.from([16, 4, 1, 16, 4, 2, 16, 4, 3, 16, 4, 4])

it('answers DLE EOT 1 to 4 of a healthy printer with the fixed bits alone, and ignores other n', async () => {
  const { socket } = await openPair()
  socket.write(Buffer.from([16, 4, 9]))
  socket.write(askAll)
  expect(await receive(socket, 4)).toBe('12121212')
})

it.each([
  [{ cover: 'open' }, '1a161212'],
  [{ paper: 'near-end' }, '1212121e'],
  [{ paper: 'end' }, '1a32127e'],
  [{ drawer: 'open' }, '16121212'],
  [{ cutterError: true }, '1a521a12'],
  [{ online: false }, '1a121212'],
] as const)('says %j in DLE EOT 1 to 4 as %s', async (change, expected) => {
  const { printer, socket } = await openPair()
  printer.set(change)
  socket.write(askAll)
  expect(await receive(socket, 4)).toBe(expected)
})

it('GS a reports at once and then only the groups of the mask', async () => {
  const { printer, socket } = await openPair()
  socket.write(Buffer.from([0x1d, 0x61, 0x08]))
  expect(await receive(socket, 4)).toBe('10000000')
  printer.set({ drawer: 'open' })
  printer.set({ paper: 'near-end' })
  expect(await receive(socket, 4)).toBe('14000300')
  printer.set({ paper: 'end' })
  expect(await receive(socket, 4)).toBe('1c000f00')
})

it('GS a shows cover and cutter in their bits', async () => {
  const { printer, socket } = await openPair()
  printer.set({ cover: 'open', cutterError: true })
  socket.write(Buffer.from([0x1d, 0x61, 0xff]))
  expect(await receive(socket, 4)).toBe('38080000')
})

it('does not take status commands inside an image or text for commands, in packets cut anywhere', async () => {
  const { printer, socket } = await openPair()
  const image = Buffer.from([0x1d, 0x76, 0x30, 0, 3, 0, 1, 0, 16, 4, 1])
  const job = Buffer.concat([Buffer.from('ab\n'), image, Buffer.from('c\n\x1dV\x00'), askAll])
  for (const byte of job) socket.write(Buffer.from([byte]))
  expect(await receive(socket, 4)).toBe('12121212')
  expect(printer.counters()).toMatchObject({ lines: 2, characters: 3, cuts: 1, failedCuts: 0 })
})

it('fails to cut while it is off line, and DLE ENQ 2 recovers from the cutter error', async () => {
  const { printer, socket } = await openPair()
  printer.set({ cutterError: true })
  socket.write(Buffer.from([0x1d, 0x56, 0, 16, 5, 2, 0x1d, 0x56, 0x42, 3, 16, 4, 3]))
  expect(await receive(socket, 1)).toBe('12')
  expect(printer.counters()).toMatchObject({ cuts: 1, failedCuts: 1 })
})

it('with singleConnection closes the second host and serves the first on', async () => {
  const { printer, socket } = await openPair({ singleConnection: true })
  const second = await dial(printer.port)
  await once(second, 'close')
  socket.write(askAll)
  expect(await receive(socket, 4)).toBe('12121212')
  expect(printer.connections()).toBe(2)
})
