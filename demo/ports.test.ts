/** Ports for the parts of the demo. */
import { createServer } from 'node:net'
import { expect, test } from 'vitest'
import { checkPortFree, findFreePorts } from './ports.ts'

test('are different, free, and below those that outgoing connections get', async () => {
  const ports = await findFreePorts(20)
  expect(new Set(ports).size).toBe(20)
  for (const port of ports) {
    expect(port).toBeGreaterThanOrEqual(20_000)
    expect(port).toBeLessThan(30_000)
  }
  await using server = createServer()
  await new Promise<void>((resolve) => server.listen(ports[0], '127.0.0.1', resolve))
  await expect(checkPortFree(ports[0] ?? 0, '--port')).rejects.toMatchObject({ code: 'port.taken' })
})
