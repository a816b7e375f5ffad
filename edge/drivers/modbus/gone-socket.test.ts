/** Modbus TCP devices that leave a request unanswered or hang up: only what they did not answer may be bad. */
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { describe, test } from 'vitest'
import { quality, type Sample } from '../../../protocol/model.ts'
import { createModbus, createTag, holding } from './bench-tags.ts'

const never = () => new AbortController().signal
/** So long that a machine which is busy with other things is not taken for a device that says nothing. */
const SILENCE_MS = 1_000

interface Asked {
  unit: number
  address: number
  socket: Socket
}

/** Registers hold their own address. `behave` may hang up, or say that the request stays unanswered. */
async function openDevice(behave: (asked: Asked) => 'silent' | 'last' | undefined) {
  const sockets = new Set<Socket>()
  const units: number[] = []
  let connections = 0
  const server = createServer((socket) => {
    connections++
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.on('close', () => sockets.delete(socket))
    socket.on('data', (request: Buffer) => {
      const [unit = 0, address, count] = [
        request[6],
        request.readUInt16BE(8),
        request.readUInt16BE(10),
      ]
      units.push(unit)
      const how = behave({ unit, address, socket })
      if (how === 'silent' || socket.destroyed) return
      const reply = Buffer.alloc(9 + 2 * count)
      request.copy(reply, 0, 0, 8)
      reply.writeUInt16BE(3 + 2 * count, 4)
      reply[8] = 2 * count
      for (let i = 0; i < count; i++) reply.writeUInt16BE(address + i, 9 + 2 * i)
      if (how === 'last') socket.end(reply)
      else socket.write(reply)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    connections: () => connections,
    open: () => sockets.size,
    /** Units asked since the last call. */
    asked: () => units.splice(0),
    hangUp() {
      for (const socket of sockets) socket.end()
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      if (!server.listening) return
      server.close()
      await once(server, 'close')
    },
    async stopListening() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

const unitTag = (unitId: number) => createTag(`U${unitId}`, 'UInt16', holding(unitId, { unitId }))
const far = [0, 200, 400].map((at) => createTag(`R${at}`, 'UInt16', holding(at)))
const valuesOf = (samples: readonly Sample[]) => samples.map(({ value }) => value)

describe.concurrent('a device that leaves a request unanswered, or hangs up', () => {
  for (const way of ['says nothing for', 'hangs up for'] as const) {
    test(`a gateway that ${way} one unit: its tags are bad, the other units stay good`, async ({
      expect,
    }) => {
      await using device = await openDevice(({ unit, socket }) => {
        if (unit !== 3) return undefined
        if (way === 'hangs up for') socket.destroy()
        return 'silent'
      })
      const driver = createModbus(device.port, { timeoutMs: SILENCE_MS, holeRetryMs: 60_000 })
      await using connection = await driver.connect(never())
      const tags = [1, 3, 5].map(unitTag)
      for (let poll = 0; poll < 3; poll++) {
        const samples = await connection.read(tags, never())
        expect(valuesOf(samples)).toEqual([1, null, 5])
        expect(samples[1]).toMatchObject({ quality: quality.bad, status: 11 })
      }
      device.asked()
      await connection.read(tags, never())
      expect(device.asked()).toEqual([1, 5])
    })
  }

  test('what was answered is not dated by the wait for a unit that says nothing', async ({
    expect,
  }) => {
    let silentSince = 0
    await using device = await openDevice(({ unit }) => {
      if (unit !== 3) return undefined
      silentSince = Date.now()
      return 'silent'
    })
    const driver = createModbus(device.port, { timeoutMs: SILENCE_MS })
    await using connection = await driver.connect(never())
    const tags = [1, 3, 5].map(unitTag)
    await connection.read(tags, never())
    const [first, , last] = await connection.read(tags, never())
    for (const sample of [first, last]) expect(sample?.at).toBeLessThanOrEqual(silentSince)
  })

  test('a device that says nothing for one block: its other blocks stay good, before it and behind', async ({
    expect,
  }) => {
    await using device = await openDevice(({ address }) => (address === 200 ? 'silent' : undefined))
    await using connection = await createModbus(device.port, { timeoutMs: SILENCE_MS }).connect(
      never(),
    )
    for (let poll = 0; poll < 2; poll++) {
      const samples = await connection.read(far, never())
      expect(valuesOf(samples)).toEqual([0, null, 400])
      expect(samples[1]).toMatchObject({ quality: quality.bad, status: 11 })
    }
  })

  test('a group of a silent unit does not end the reads of another group', async ({ expect }) => {
    await using device = await openDevice(({ unit }) => (unit === 3 ? 'silent' : undefined))
    const driver = createModbus(device.port, { timeoutMs: SILENCE_MS })
    await using connection = await driver.connect(never())
    expect(valuesOf(await connection.read([unitTag(1)], never()))).toEqual([1])
    const both = [connection.read([unitTag(3)], never()), connection.read([unitTag(5)], never())]
    const [silent, good] = await Promise.all(both)
    expect(silent?.[0]).toMatchObject({ quality: quality.bad, status: 11 })
    expect(valuesOf(good ?? [])).toEqual([5])
  })

  test('a device that closes after a rest is connected to again and read, without a fault', async ({
    expect,
  }) => {
    await using device = await openDevice(() => undefined)
    await using connection = await createModbus(device.port).connect(never())
    for (let poll = 1; poll <= 3; poll++) {
      expect(valuesOf(await connection.read(far, never()))).toEqual([0, 200, 400])
      expect(device.connections()).toBe(poll)
      device.hangUp()
      await expect.poll(() => device.open(), { timeout: 10_000 }).toBe(0)
    }
  })

  test('a device that closes after every answer is read whole', async ({ expect }) => {
    await using device = await openDevice(() => 'last')
    await using connection = await createModbus(device.port).connect(never())
    for (let poll = 0; poll < 3; poll++) {
      expect(valuesOf(await connection.read(far, never()))).toEqual([0, 200, 400])
    }
  })

  test('one that has closed and listens no more is gone', async ({ expect }) => {
    await using device = await openDevice(() => undefined)
    await using connection = await createModbus(device.port).connect(never())
    await connection.read(far, never())
    await device.stopListening()
    await expect(connection.read(far, never())).rejects.toMatchObject({
      code: 'driver.disconnected',
    })
  })

  test('a closed connection opens no socket again', async ({ expect }) => {
    await using device = await openDevice(() => undefined)
    const connection = await createModbus(device.port).connect(never())
    device.hangUp()
    await expect.poll(() => device.open(), { timeout: 10_000 }).toBe(0)
    const reading = connection.read(far, never())
    await connection[Symbol.asyncDispose]()
    await expect(reading).rejects.toMatchObject({ code: 'driver.disconnected' })
    await expect(connection.read(far, never())).rejects.toMatchObject({
      code: 'driver.disconnected',
    })
    await expect.poll(() => device.open(), { timeout: 10_000 }).toBe(0)
  })
})
