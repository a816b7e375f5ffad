/** Which addresses no session may ever reach, whatever the policy file says. */
import { expect, test } from 'vitest'
import { resolveTarget } from './address.ts'

const ownAddresses = ['192.168.1.2', 'fe80::1%eth0', '2001:db8::2']
const outcome = async (host: string, ip?: string, ownPorts: number[] = []) => {
  const resolve = async () => {
    if (ip === undefined) throw new Error('unknown host')
    return ip
  }
  const result = await resolveTarget({ host, port: 80 }, { ownPorts, ownAddresses, resolve })
  return result.reachable ? result.ip : result.code
}

test('a name is resolved to the address to connect to', async () => {
  expect(await outcome('plc', '192.168.1.5')).toBe('192.168.1.5')
  expect(await outcome('plc')).toBe('target-unreachable')
})

test.for([
  '169.254.169.254',
  '224.0.0.1',
  '0.0.0.0',
  '0.1.2.3',
  '255.255.255.255',
  '::',
  'fe80::2',
  'ff02::1',
  '::ffff:169.254.169.254',
  'fe80::2%eth0',
  'rubbish',
])('%s is never a target, by number or by name', async (ip) => {
  expect(await outcome('plc', ip)).toBe('target-forbidden')
})

test.for(['127.0.0.1', '127.9.9.9', '::1', '::ffff:127.0.0.1', '192.168.1.2', '2001:db8::2'])(
  'this machine (%s) is a target only when the policy names it so',
  async (ip) => {
    expect(await outcome('innocent.example', ip)).toBe('target-forbidden')
    expect(await outcome(ip)).toBe(ip)
    expect(await outcome(ip, undefined, [80])).toBe('target-forbidden')
  },
)

test('localhost may stand in the policy, and means loopback only', async () => {
  expect(await outcome('localhost', '127.0.0.1')).toBe('127.0.0.1')
  expect(await outcome('localhost', '192.168.1.2')).toBe('target-forbidden')
})
