/** The ESC/POS driver against a receipt printer on TCP. */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { Value as Schema } from 'typebox/value'
import { describe, expect, test } from 'vitest'
import { quality, type Tag } from '../../../protocol/model.ts'
import { openPrinter } from '../../../simulators/kit/escpos-printer.ts'
import { type Bench, runConformance, until } from '../conformance.ts'
import { createDriver, escposStatus, lintTag, optionsSchema } from './escpos.ts'

const never = () => new AbortController().signal

function createTag(field: string): Tag {
  return { id: `s/g/printer/${field}`, name: field, type: 'Boolean', address: { field } }
}

function createEscpos(port: number) {
  const given = { host: '127.0.0.1', port, timeoutMs: 400 }
  const options = Schema.Parse(optionsSchema, Schema.Default(optionsSchema, given))
  return createDriver(options, { device: 'printer', stateDir: '/nowhere' })
}

async function openBench(): Promise<Bench> {
  const printer = await openPrinter({ singleConnection: true })
  let isOpen = false
  return {
    port: printer.port,
    createDriver: createEscpos,
    tags: [createTag('coverOpen'), createTag('online'), createTag('drawerOpen')],
    values: () => [isOpen, !isOpen, isOpen],
    change() {
      isOpen = !isOpen
      const word = isOpen ? 'open' : 'closed'
      printer.set({ cover: word, drawer: word })
    },
    badTag: createTag('inkLow'),
    [Symbol.asyncDispose]: () => printer[Symbol.asyncDispose](),
  }
}

runConformance('escpos', openBench)

describe('printer status', () => {
  test('each trouble of a printer is told by its own tags', async () => {
    await using printer = await openPrinter()
    await using connection = await createEscpos(printer.port).connect(never())
    const names = ['online', 'coverOpen', 'paperNearEnd', 'paperEnd', 'cutterError']
    const read = async () => {
      const samples = await connection.read(names.map(createTag), never())
      return samples.map((it) => it.value)
    }
    expect(await read()).toEqual([true, false, false, false, false])
    printer.set({ paper: 'near-end' })
    expect(await read()).toEqual([true, false, true, false, false])
    printer.set({ paper: 'end' })
    expect(await read()).toEqual([false, false, true, true, false])
    printer.set({ paper: 'ok', cutterError: true })
    expect(await read()).toEqual([false, false, false, false, true])
  })

  test('between two polls the one connection of the printer is free for the till', async () => {
    await using printer = await openPrinter({ singleConnection: true })
    await using connection = await createEscpos(printer.port).connect(never())
    await connection.read([createTag('online')], never())
    const till = connect(printer.port, '127.0.0.1')
    await once(till, 'connect')
    till.write(Buffer.of(0x10, 0x04, 1))
    const [answer] = await once(till, 'data')
    expect(answer).toHaveLength(1)
    till.destroy()
  })

  test('while the till prints, status is bad with the reason busy, the till keeps its line, and it heals', async () => {
    await using printer = await openPrinter({ singleConnection: true })
    const driver = createEscpos(printer.port)
    await using connection = await driver.connect(never())
    const till = connect(printer.port, '127.0.0.1')
    await once(till, 'connect')
    till.write('a receipt\n')
    await until(() => printer.counters().lines === 1, 'the receipt')
    expect(await connection.read([createTag('online')], never())).toMatchObject([
      { value: null, quality: quality.bad, status: escposStatus.busy },
    ])
    till.write('and its end\n')
    await until(() => printer.counters().lines === 2, 'the rest of the receipt')
    till.destroy()
    await once(till, 'close')
    await expect
      .poll(async () => (await connection.read([createTag('online')], never()))[0]?.value)
      .toBe(true)
  })

  test('a status kind that a printer never answers is bad, what came before it stays good', async () => {
    const behave = ({ kind, ...rest }: { kind: string; parameters?: Buffer }) =>
      kind === 'command' && rest.parameters?.[0] === 3 ? 'silent' : undefined
    await using printer = await openPrinter({ behave })
    await using connection = await createEscpos(printer.port).connect(never())
    const tags = [createTag('cutterError'), createTag('coverOpen'), createTag('online')]
    const samples = await connection.read(tags, never())
    expect(samples[0]).toMatchObject({ quality: quality.bad, status: escposStatus.unanswered })
    expect(samples.slice(1).map((it) => it.value)).toEqual([false, true])
  })

  test('what a printer never answers holds the port once, not at every poll', async () => {
    let asked = 0
    const behave = ({ kind, ...rest }: { kind: string; parameters?: Buffer }) => {
      if (kind !== 'command' || rest.parameters?.[0] !== 2) return undefined
      asked += 1
      return 'silent' as const
    }
    await using printer = await openPrinter({ behave, singleConnection: true })
    await using connection = await createEscpos(printer.port).connect(never())
    const tags = ['online', 'coverOpen', 'paperEnd'].map(createTag)
    const first = await connection.read(tags, never())
    expect(first.map((it) => it.value)).toEqual([true, null, null])
    for (let poll = 0; poll < 5; poll++) {
      const samples = await connection.read(tags, never())
      expect(samples.map((it) => it.value)).toEqual([true, null, false])
      expect(samples[1]).toMatchObject({ status: escposStatus.unanswered })
    }
    expect(asked).toBe(1)
  })

  test('a till that opens the only connection for each receipt prints all of them, whole, while status is read', async () => {
    await using printer = await openPrinter({ singleConnection: true })
    await using connection = await createEscpos(printer.port).connect(never())
    const stop = new AbortController()
    const polling = (async () => {
      while (!stop.signal.aborted) await connection.read([createTag('online')], never())
    })()
    let brokenReceipts = 0
    for (let receipt = 1; receipt <= 20; receipt++) {
      // Refused at the door it comes again, as every till does; inside nothing may interrupt it.
      const till = await enterPrinter(printer.port)
      for (let line = 0; line < 5; line++) till.write('an item\n')
      await until(() => till.destroyed || printer.counters().lines === receipt * 5, 'the receipt')
      if (till.destroyed) brokenReceipts += 1
      till.end()
      await once(till, 'close')
    }
    stop.abort()
    await polling
    expect(brokenReceipts).toBe(0)
    expect(printer.counters().lines).toBe(100)
    const [sample] = await connection.read([createTag('online')], never())
    expect(sample?.value).toBe(true)
  })

  test('where a second host is kept waiting instead of refused, the till goes on and nothing of ours stays in its way', async () => {
    await using port = await openWaitingPrinter()
    await using connection = await createEscpos(port.port).connect(never())
    await connection.read([createTag('online')], never())
    const till = connect(port.port, '127.0.0.1')
    await once(till, 'connect')
    till.write('a receipt\n')
    await until(() => port.heard() === 'a receipt\n', 'the receipt')
    const read = connection.read([createTag('online')], never())
    await expect(read).rejects.toMatchObject({ code: 'driver.timeout' })
    till.write('its end\n')
    await until(() => port.heard() === 'a receipt\nits end\n', 'the end of the receipt')
    expect(till.destroyed).toBe(false)
    till.end()
    await once(till, 'close')
    const next = connect(port.port, '127.0.0.1')
    next.write('the next\n')
    await until(() => port.heard().endsWith('the next\n'), 'the next receipt')
    next.destroy()
    await expect
      .poll(async () => {
        const [sample] = await connection.read([createTag('online')], never()).catch(() => [])
        return sample?.value
      })
      .toBe(true)
  })

  test('bytes that are no status byte are a fault, never a value', async () => {
    const sockets: Socket[] = []
    const server = createServer((socket) => {
      sockets.push(socket)
      socket.on('data', () => socket.write(Buffer.of(0xff)))
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const driver = createEscpos((server.address() as AddressInfo).port)
    await expect(driver.connect(never())).rejects.toMatchObject({ code: 'driver.foreign-reply' })
    for (const socket of sockets) socket.destroy()
    server.close()
  })

  test('two groups of one printer wait for each other instead of finding it busy', async () => {
    await using printer = await openPrinter({ singleConnection: true })
    await using connection = await createEscpos(printer.port).connect(never())
    const reads = Array.from({ length: 5 }, () => connection.read([createTag('online')], never()))
    const samples = (await Promise.all(reads)).flat()
    expect(samples.map((it) => it.value)).toEqual([true, true, true, true, true])
  })

  test('a status tag of another type than Boolean is refused by the lint', () => {
    expect(lintTag({ ...createTag('online'), type: 'Int32' })).toContain('Boolean')
    expect(lintTag(createTag('online'))).toBeUndefined()
  })
})

/** In as soon as the printer lets it: a status that is asked for right now holds the door for a moment. */
async function enterPrinter(port: number): Promise<Socket> {
  for (;;) {
    const till = connect(port, '127.0.0.1')
    // Refused it may also be reset: no error of the test.
    till.on('error', () => undefined)
    // Whoever is refused hears it before an answer.
    till.write(Buffer.of(0x10, 0x04, 1))
    const isIn = await new Promise<boolean>((resolve) => {
      till.once('data', () => resolve(true))
      till.once('close', () => resolve(false))
    })
    if (isIn) return till
    await sleep(5)
  }
}

/** Like printers with a queue: the second host is connected, but nobody reads it until the first has left. */
async function openWaitingPrinter() {
  const queue: Socket[] = []
  let text = ''
  const serve = (socket: Socket) => {
    socket.on('data', (chunk: Buffer) => {
      if (chunk[0] === 0x10) socket.write(Buffer.of(0x12))
      else text += chunk.toString()
    })
    socket.on('end', () => socket.end())
  }
  const server = createServer((socket) => {
    socket.on('error', () => undefined)
    socket.on('close', () => {
      const isFirst = queue[0] === socket
      queue.splice(queue.indexOf(socket), 1)
      if (isFirst && queue[0]) serve(queue[0])
    })
    if (queue.push(socket) === 1) serve(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    heard: () => text,
    async [Symbol.asyncDispose]() {
      for (const socket of queue) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
