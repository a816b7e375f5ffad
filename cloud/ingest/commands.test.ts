/** How often a node is asked for a rebirth, whatever the clock does. */
import type { MqttClient } from 'mqtt'
import { expect, test, vi } from 'vitest'
import { createCommands, type NodeAddress } from './commands.ts'

test('a clock that is set back does not put off the rebirth that a broken node waits for', () => {
  let clock = Date.now()
  const counters = { rebirthRequests: 0 } as Parameters<typeof createCommands>[0]['counters']
  const commands = createCommands({ counters, now: () => clock, rebirthMs: 5_000 })
  const publish = vi.fn()
  commands.use({ connected: true, publish } as Partial<MqttClient> as MqttClient)
  const node: NodeAddress = { site: 'plant', gateway: 'gw1', alias: () => undefined }
  let monoMs = 1_000
  using _ = vi.spyOn(performance, 'now').mockImplementation(() => monoMs)
  commands.rebirth(node)
  commands.rebirth(node)
  expect(publish).toHaveBeenCalledTimes(1)
  clock -= 3 * 3_600_000
  monoMs += 5_001
  commands.rebirth(node)
  expect(publish).toHaveBeenCalledTimes(2)
})
