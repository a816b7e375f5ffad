/** Which doors a new certificate must open before the former one goes. */
import { expect, test } from 'vitest'
import type { GatewayConfig } from './config.ts'
import { doorsOf } from './wire-tunnel.ts'

test('the broker is a door where any of its servers has TLS', () => {
  const doors = (mqttUrl: string, ...otherMqttUrls: string[]) =>
    doorsOf({ cloud: { mqttUrl, otherMqttUrls } as GatewayConfig['cloud'] })
  expect(doors('mqtts://a')).toEqual(['tunnel', 'broker'])
  expect(doors('mqtts://a', 'mqtt://b')).toEqual(['tunnel', 'broker'])
  expect(doors('mqtt://a', 'mqtts://b')).toEqual(['tunnel', 'broker'])
  expect(doors('mqtt://a', 'mqtt://b')).toEqual(['tunnel'])
})
