/** What the site's own file leaves to the cloud: which machines, which writes; a configuration that wants more is refused. */
import { BlockList, isIP } from 'node:net'
import { formatCanonicalJson } from '../../protocol/kit/canonical-json.ts'
import type { ConfigProblem, Path } from '../../protocol/kit/schema.ts'
import type { GatewayConfig } from '../config.ts'
import type { DeviceConfig, TagConfig } from '../device-config.ts'

/** The site's file, and what its policy file rests on. */
export interface SiteRules {
  config: GatewayConfig
  /** Tags whose value opens remote access. */
  keySwitches: readonly string[]
}

type Options = DeviceConfig['options']

interface DriverRule {
  /** The options that say which machine is meant. */
  place: readonly string[]
  /** The name or address in them; undefined: a place of this computer, which only the site can name. */
  hostOf(options: Options): string | undefined
  /** How it is spoken to: nobody gets in by these. Any other option is as in the site's file, or left out. */
  plain: readonly string[]
}

const hostOf = ({ host }: Options) => (typeof host === 'string' ? host : undefined)

/** A test names the options that stand in none of these lists. */
export const driverRules: Readonly<Record<DeviceConfig['driver'], DriverRule>> = {
  modbus: {
    place: ['transport', 'host', 'port', 'serialPort'],
    hostOf,
    plain: [
      ...['baudRate', 'parity', 'dataBits', 'stopBits', 'interFrameMs', 'turnaroundMs', 'unit'],
      ...['timeoutMs', 'byteOrder', 'maxGap', 'maxRegisters', 'maxBits', 'holeRetryMs'],
      ...['busyRetryMs', 'writeMultiple', 'writeReadBack'],
    ],
  },
  escpos: { place: ['host', 'port'], hostOf, plain: ['timeoutMs'] },
  opcua: {
    place: ['endpoint'],
    hostOf: ({ endpoint }) => hostOfUrl(String(endpoint)),
    plain: [
      ...['namespaces', 'timeoutMs', 'publishingIntervalMs', 'samplingIntervalMs', 'queueSize'],
      ...['keepAliveMs', 'silenceMs', 'nodeRetryMs', 'timestamp'],
    ],
  },
}

const SITE_ONLY = 'is set in the file at the site only'

/** Everything a configuration from the cloud wants that the site does not leave to it; pure. */
export function lintSent(sent: readonly DeviceConfig[], site: SiteRules): ConfigProblem[] {
  return [
    ...sent.flatMap((device, d) => [
      ...lintPlace(device, site, ['devices', d]),
      ...(site.config.remoteConfig.allowWrites ? [] : lintWrites(device, site, ['devices', d])),
    ]),
    ...lintKeySwitches(sent, site),
  ]
}

/** A gateway stands inside the plant's network: which of its machines it speaks to is the site's word. */
function lintPlace(device: DeviceConfig, { config }: SiteRules, path: Path): ConfigProblem[] {
  // The id is also the name of a folder.
  if (/^\.+$/.test(device.id)) return [{ path: [...path, 'id'], say: 'has no letter' }]
  const { place, hostOf: host, plain } = driverRules[device.driver]
  const known = config.devices.filter(
    ({ driver, options }) =>
      driver === device.driver && place.every((key) => isSame(options[key], device.options[key])),
  )
  const ownWord = known.find(({ id }) => id === device.id) ?? known[0]
  const isPlain = (key: string) => place.includes(key) || plain.includes(key)
  if (ownWord) {
    const keys = new Set([...Object.keys(ownWord.options), ...Object.keys(device.options)])
    return [...keys]
      .filter((key) => !isPlain(key) && !isSame(ownWord.options[key], device.options[key]))
      .map((key) => ({ path: [...path, key], say: SITE_ONLY }))
  }
  const name = host(device.options)
  const key = place.find((each) => each === 'host' || each === 'endpoint') ?? 'id'
  if (name === undefined || !isListed(name, config.remoteConfig.hosts)) {
    const say = `the site does not let the cloud reach ${name ?? 'this'}; its file would name it under remoteConfig.hosts, or have the device`
    return [{ path: [...path, key], say }]
  }
  const others = Object.keys(device.options).filter((each) => !isPlain(each))
  return others.flatMap((each) => lintNewTrust(device, { name: each, config, path }))
}

/** At a machine that is new: no identity of ours, and only certificates that the site's file names somewhere. */
function lintNewTrust(
  { options }: DeviceConfig,
  { name, config, path }: { name: string; config: GatewayConfig; path: Path },
): ConfigProblem[] {
  const value = options[name]
  if (name === 'security' || value === undefined || value === false) return []
  if (name !== 'trust') return [{ path: [...path, name], say: SITE_ONLY }]
  const listed = new Set(config.devices.flatMap((device) => listOf(device.options.trust)))
  return listOf(value).flatMap((file, i) =>
    listed.has(file) ? [] : [{ path: [...path, name, i], say: `${file} ${SITE_ONLY}` }],
  )
}

function listOf(value: unknown): string[] {
  return Array.isArray(value) ? value.map(String) : []
}

/** A tag may be written as far as the site's file says of the very same register, and no further. */
function lintWrites(device: DeviceConfig, { config }: SiteRules, path: Path): ConfigProblem[] {
  const own = config.devices.find(({ id }) => id === device.id)
  const isSameMachine = own?.driver === device.driver && isSame(own.options, device.options)
  return device.groups.flatMap((group, g) =>
    group.tags.flatMap((tag, t): ConfigProblem[] => {
      if (!tag.write) return []
      const place = [...path, 'groups', g, 'tags', t, 'write']
      const before = own?.groups
        .flatMap(({ tags }) => tags)
        .find(({ tag: { id } }) => id === tag.tag.id)
      if (isSameMachine && before && isSameRegister(before, tag) && isWithin(tag, before)) return []
      const say =
        'the site does not let the cloud allow writing: only tags that its file lets be written, unchanged, within its limits'
      return [{ path: place, say }]
    }),
  )
}

function isSameRegister(a: TagConfig, b: TagConfig): boolean {
  const facts = ({ tag: { type, address }, scale, offset }: TagConfig) => ({
    ...{ type, address, scale, offset },
  })
  return isSame(facts(a), facts(b))
}

function isWithin({ write: wanted }: TagConfig, { write: allowed }: TagConfig): boolean {
  if (!wanted || !allowed) return wanted === undefined
  const { min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY } = wanted
  return (
    min >= (allowed.min ?? Number.NEGATIVE_INFINITY) &&
    max <= (allowed.max ?? Number.POSITIVE_INFINITY) &&
    wanted.maxPerMinute <= allowed.maxPerMinute &&
    (wanted.dryRun || !allowed.dryRun)
  )
}

/** Whoever moves the tag of a key switch turns the key. */
function lintKeySwitches(
  sent: readonly DeviceConfig[],
  { config, keySwitches }: SiteRules,
): ConfigProblem[] {
  const holds = ({ groups }: DeviceConfig) =>
    groups.some(({ tags }) => tags.some(({ tag }) => keySwitches.includes(tag.id)))
  return config.devices.filter(holds).flatMap((own): ConfigProblem[] => {
    const index = sent.findIndex(({ id }) => id === own.id)
    if (index >= 0 && isSame(sent[index], own)) return []
    const say = `${own.id} has a key switch of the policy file and is changed at the site only`
    return [{ path: index >= 0 ? ['devices', index] : ['devices'], say }]
  })
}

function isSame(a: unknown, b: unknown): boolean {
  return formatCanonicalJson(a) === formatCanonicalJson(b)
}

/** Of `opc.tcp://[fe80::1]:4840/path`. */
function hostOfUrl(url: string): string | undefined {
  const text = url.replace(/^opc\.tcp:/, 'http:')
  return URL.canParse(text) ? new URL(text).hostname.replace(/^\[|\]$/g, '') : undefined
}

/** A name is listed as it is written; an address also by its network. */
function isListed(host: string, listed: readonly string[]): boolean {
  const version = isIP(host)
  return listed.some((entry) => {
    if (entry.toLowerCase() === host.toLowerCase()) return true
    const [net = '', bits = ''] = entry.split('/')
    if (version === 0 || isIP(net) !== version || !/^\d{1,3}$/.test(bits)) return false
    if (Number(bits) > (version === 4 ? 32 : 128)) return false
    const list = new BlockList()
    const family = version === 4 ? 'ipv4' : 'ipv6'
    list.addSubnet(net, Number(bits), family)
    return list.check(host, family)
  })
}
