/** Which address a target's host name stands for, and whether any session may ever reach it. */
import { lookup } from 'node:dns/promises'
import { BlockList, isIP } from 'node:net'
import { networkInterfaces } from 'node:os'
import type { RefusalCode } from '../../protocol/tunnel/refusal.ts'

export type Resolution =
  | { reachable: true; ip: string }
  | { reachable: false; code: Extract<RefusalCode, 'target-forbidden' | 'target-unreachable'> }

export interface AddressOptions {
  /** Ports on which this gateway itself listens: never a target, on no address of this machine. */
  ownPorts: readonly number[]
  /** Addresses of this machine; default: asked from the system. */
  ownAddresses?: readonly string[]
  /** Default: the system's resolver. */
  resolve?: (host: string) => Promise<string>
}

/** Never a target: link-local (cloud metadata lives there), multicast, unspecified, broadcast, reserved. */
const never = new BlockList()
never.addSubnet('0.0.0.0', 8, 'ipv4')
never.addSubnet('169.254.0.0', 16, 'ipv4')
never.addSubnet('224.0.0.0', 4, 'ipv4')
never.addSubnet('240.0.0.0', 4, 'ipv4')
never.addAddress('::', 'ipv6')
never.addSubnet('fe80::', 10, 'ipv6')
never.addSubnet('ff00::', 8, 'ipv6')

const loopback = new BlockList()
loopback.addSubnet('127.0.0.0', 8, 'ipv4')
loopback.addAddress('::1', 'ipv6')

/** Resolves the host once; the caller connects to the IP, so a name that changes its mind later changes nothing. */
export async function resolveTarget(
  { host, port }: { host: string; port: number },
  options: AddressOptions,
): Promise<Resolution> {
  let ip: string
  try {
    ip = isIP(host) ? host : await (options.resolve ?? systemResolve)(host)
  } catch {
    return { reachable: false, code: 'target-unreachable' }
  }
  return isForbidden(ip, { host, port }, options)
    ? { reachable: false, code: 'target-forbidden' }
    : { reachable: true, ip }
}

async function systemResolve(host: string): Promise<string> {
  return (await lookup(host)).address
}

function isForbidden(
  ip: string,
  { host, port }: { host: string; port: number },
  { ownPorts, ownAddresses = systemAddresses() }: AddressOptions,
): boolean {
  if (!isIP(ip) || isIn(never, ip)) return true
  const isLoopback = isIn(loopback, ip)
  const isOwn = isLoopback || ownAddresses.some((own) => isIn(listOf(own), ip))
  if (!isOwn) return false
  if (ownPorts.includes(port)) return true
  // This machine is a target only when the policy names it so: a DNS name that points here is an attack or an error.
  return !(isIP(host) || (isLoopback && host.toLowerCase() === 'localhost'))
}

/** BlockList knows an IPv4-mapped IPv6 address for the IPv4 address it is. */
function isIn(list: BlockList, ip: string): boolean {
  const plain = ip.split('%')[0] ?? ip
  return list.check(plain, isIP(plain) === 6 ? 'ipv6' : 'ipv4')
}

function listOf(ip: string): BlockList {
  const list = new BlockList()
  list.addAddress(ip.split('%')[0] ?? ip, isIP(ip) === 6 ? 'ipv6' : 'ipv4')
  return list
}

function systemAddresses(): string[] {
  return Object.values(networkInterfaces()).flatMap((all) =>
    (all ?? []).map(({ address }) => address),
  )
}
