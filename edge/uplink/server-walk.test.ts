/** Several servers, several hosts: where the edge node goes when its host is not where it is. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import mqtt from 'mqtt'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createLog } from '../../protocol/kit/log.ts'
import { formatState } from '../../protocol/sparkplug/delivery.ts'
import { type Outbox, openOutbox } from '../outbox/outbox.ts'
import { brokers, until } from './broker.fixture.ts'
import { createServerWalk } from './server-walk.ts'
import { openUplink, type UplinkOptions } from './uplink.ts'

let folder = ''
let outbox: Outbox
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'server-walk-'))
  const file = join(folder, 'outbox.db')
  outbox = openOutbox({ file, maxBytes: 1e7, maxAgeMs: 1e9, gateway: 'gw1' })
})
afterEach(async () => {
  await outbox[Symbol.asyncDispose]()
  rmSync(folder, { recursive: true, force: true })
})
const open = (options: Partial<UplinkOptions> & { url: string }) =>
  openUplink({
    ...{ site: 'plant', gateway: 'gw1', clientId: 'plant/gw1', software: 'x', targets: [], outbox },
    devices: () => [],
    ...{ primaryHost: 'mimamori', delivery: 'acknowledged' },
    ...{ backoff: { minMs: 10, maxMs: 50 }, hostPatienceMs: 60_000 },
    log: createLog('uplink').child({}, { level: 'silent' }),
    ...options,
  })

/** A broker with somebody who listens there and says STATE. */
async function openPlace(openBroker: (typeof brokers)[number]['open']) {
  const broker = await openBroker()
  const client = await mqtt.connectAsync(broker.url, { reconnectPeriod: 0 })
  const heard: string[] = []
  client.on('message', (topic) => heard.push(topic.split('/')[2] ?? ''))
  await client.subscribeAsync('spBv1.0/plant/#', { qos: 1 })
  return {
    url: broker.url,
    heard,
    says: (online: boolean, timestamp: number, host = 'mimamori') =>
      client.publishAsync(`spBv1.0/STATE/${host}`, formatState({ online, timestamp }), {
        ...{ qos: 1, retain: true },
      }),
    async [Symbol.asyncDispose]() {
      await client.endAsync(true)
      await broker[Symbol.asyncDispose]()
    },
  }
}

describe.each(brokers)('over two servers of $name', ({ missing, open: openBroker }) => {
  beforeEach(({ skip }) => {
    if (missing) skip()
  })

  test('tck-id-operational-behavior-primary-application-state-with-multiple-servers-walk, tck-id-operational-behavior-edge-node-termination-host-offline-reconnect, tck-id-operational-behavior-host-application-multi-server-timestamp: it is born where the host is, and follows it; times of one server say nothing on another', async () => {
    await using one = await openPlace(openBroker)
    await using two = await openPlace(openBroker)
    await one.says(false, 1_000)
    await two.says(true, 5)
    await using uplink = open({ url: one.url, otherUrls: [two.url] })
    await until('born at the second', () => two.heard.includes('NBIRTH'))
    expect(uplink.state()).toMatchObject({ server: two.url, hostOnline: true })
    expect(one.heard).toEqual([])
    await one.says(true, 2_000)
    await two.says(false, 6)
    await until('born at the first', () => one.heard.includes('NBIRTH'))
    await until('the death', () => two.heard.includes('NDEATH'))
    expect(two.heard).toEqual(['NBIRTH', 'NDEATH'])
  })

  test('a server that is not there, and one whose host never said a word, are passed over', async () => {
    await using mute = await openPlace(openBroker)
    await using good = await openPlace(openBroker)
    await good.says(true, 5)
    const gone = 'mqtt://127.0.0.1:1'
    await using _uplink = open({
      ...{ url: gone, otherUrls: [mute.url, good.url], hostPatienceMs: 100 },
    })
    await until('born at the third', () => good.heard.includes('NBIRTH'))
    expect(mute.heard).toEqual([])
  })

  test('a standby host is as good as the primary; with the last of them the session ends', async () => {
    await using place = await openPlace(openBroker)
    await place.says(false, 5)
    await place.says(true, 5, 'spare')
    await using uplink = open({ url: place.url, standbyHosts: ['spare'] })
    await until('born', () => uplink.state().connected)
    await place.says(true, 6)
    await place.says(false, 6, 'spare')
    await place.says(false, 7, 'stranger')
    await place.says(false, 7)
    await until('dead', () => place.heard.includes('NDEATH'))
    expect(place.heard).toEqual(['NBIRTH', 'NDEATH'])
  })
})

describe('the walk', () => {
  test('a broken line is tried again where it was, once; what fails is left', () => {
    const walk = createServerWalk(['a', 'b', 'c'])
    walk.after('lost', true)
    expect([walk.current(), walk.failures()]).toEqual(['a', 0])
    walk.after('unreachable', false)
    expect(walk.current()).toBe('b')
    walk.after('host-offline', true)
    expect([walk.current(), walk.failures()]).toEqual(['c', 0])
  })
  test('waits grow by rounds of the list, not by servers', () => {
    const walk = createServerWalk(['a', 'b'])
    const failures = [1, 2, 3, 4].map(() => {
      walk.after('unreachable', false)
      return walk.failures()
    })
    expect(failures).toEqual([1, 1, 2, 2])
  })
})
