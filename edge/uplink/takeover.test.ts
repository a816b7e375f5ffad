/** Two gateways with one identity: both notice, both back off, and the cloud is told. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import mqtt from 'mqtt'
import { describe, expect, test } from 'vitest'
import { openIngest } from '../../cloud/ingest/ingest.ts'
import { createLog } from '../../protocol/kit/log.ts'
import type { NodeEvent } from '../../protocol/sparkplug/node-event.ts'
import { openOutbox } from '../outbox/outbox.ts'
import { brokers, until } from './broker.fixture.ts'
import { createTakeoverWatch, TAKEOVERS, WITHIN_MS } from './takeover-watch.ts'
import { openUplink } from './uplink.ts'

const silent = () => createLog('test').child({}, { level: 'silent' })

describe.concurrent.each(brokers)('over $name', ({ missing, open }) => {
  test.skipIf(missing)(
    'F10, tck-id-intro-edge-node-id-uniqueness, tck-id-topic-structure-namespace-unique-edge-node-descriptor, tck-id-payloads-nbirth-edge-node-descriptor: an identity used twice is noticed by both gateways and told by the cloud, once',
    async () => {
      const folder = mkdtempSync(join(tmpdir(), 'takeover-'))
      await using stack = new AsyncDisposableStack()
      stack.defer(() => rmSync(folder, { recursive: true, force: true }))
      const broker = stack.use(await open())
      const events: NodeEvent[] = []
      stack.use(
        openIngest({
          connect: (options) => mqtt.connect(broker.url, { ...options, clientId: 'host' }),
          hostId: 'mimamori',
          commit: async () => {},
          onNode: (event) => events.push(event),
          log: silent(),
        }),
      )
      const warnings: string[] = []
      const gateways = ['a', 'b'].map((name) => {
        const file = join(folder, `${name}.db`)
        const outbox = stack.use(openOutbox({ file, maxBytes: 1e7, maxAgeMs: 1e9, gateway: 'gw1' }))
        const log = silent()
        log.warn = ((_: object, say: string) => warnings.push(`${name}: ${say}`)) as never
        return stack.use(
          openUplink({
            ...{ url: broker.url, site: 'plant', gateway: 'gw1', clientId: 'plant/gw1', outbox },
            ...{ software: 'x', targets: [], devices: () => [], log },
            ...{ primaryHost: 'mimamori', delivery: 'acknowledged' },
            // Longer than a session needs to be born: the cloud judges by births.
            backoff: { minMs: 100, maxMs: 300 },
            birthSequenceFile: join(folder, `${name}.txt`),
          }),
        )
      })
      await until('both know', () => warnings.length === 2, 45_000)
      expect(gateways.map((gateway) => gateway.state().takeovers >= TAKEOVERS)).toEqual([
        true,
        true,
      ])
      await until('told', () => events.some(({ kind }) => kind === 'contested'), 45_000)
      expect(events.find(({ kind }) => kind === 'contested')).toMatchObject({
        ...{ site: 'plant', gateway: 'gw1', takeovers: 6 },
      })
      expect(events.filter(({ kind }) => kind === 'contested')).toHaveLength(1)
      const say = 'another gateway seems to use this identity: backing off'
      expect(warnings.sort()).toEqual([`a: ${say}`, `b: ${say}`])
    },
  )
})

describe('the watch', () => {
  const takeOver = (watch: ReturnType<typeof createTakeoverWatch>, at: number) => {
    watch.ended(at)
    watch.tried(true)
  }
  test('so many within ten minutes are a contest; it is over when they are past', () => {
    const watch = createTakeoverWatch()
    for (let at = 1; at < TAKEOVERS; at++) takeOver(watch, at)
    expect(watch.contest(10)).toBeUndefined()
    takeOver(watch, 10)
    expect(watch.contest(11)).toEqual({ since: 11, takeovers: TAKEOVERS })
    expect(watch.contest(12)).toEqual({ since: 11, takeovers: TAKEOVERS })
    expect(watch.contest(WITHIN_MS + 2)).toBeUndefined()
    expect(watch.total()).toBe(TAKEOVERS)
  })
  test('a broker that restarts is none: it refuses the first try', () => {
    const watch = createTakeoverWatch()
    for (let at = 0; at < 50; at++) {
      watch.ended(at)
      watch.tried(false)
      watch.tried(true)
    }
    expect(watch.contest(50)).toBeUndefined()
  })
})
