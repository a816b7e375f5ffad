/** What a configuration from the cloud may not do, each with its line: reach, credentials, writes, key switches, the rest of the file. */
import { describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { driverNames, loadDriver } from '../drivers/registry.ts'
import { describeSite, openSite, type RawDevice } from './site.fixture.ts'
import { driverRules } from './site-rules.ts'

interface Variant {
  remoteConfig?: object
  /** Beside the devices. */
  more?: object
  /** What the site's own file has, where it is not the usual. */
  devices?: RawDevice[]
}

/** What is said of the site's own devices after a change, as `path: sentence`. */
async function complain(
  change: (devices: RawDevice[]) => void,
  { remoteConfig = { allow: true }, more = {}, devices: own = describeSite() }: Variant = {},
): Promise<string[]> {
  await using scene = await openSite(['plant/gw/lock/Key'])
  await scene.writeSite(own, remoteConfig)
  await using remote = await scene.start()
  const devices = describeSite()
  devices[2]!.user = { name: 'reader', password: '(kept at the site)' }
  change(devices)
  const { problems } = await remote.check({ yaml: stringify({ ...more, devices }) })
  return problems.map(({ path, say }) => `${path}: ${say}`)
}

const printer = (host: string): RawDevice => ({
  ...{ id: 'printer', driver: 'escpos', host },
  groups: [
    { name: 'all', intervalMs: 1000, tags: [{ name: 'up', type: 'Boolean', field: 'online' }] },
  ],
})

/** Options that prove who somebody is, or say whom we believe. */
const doors = {
  modbus: [],
  escpos: [],
  opcua: ['security', 'allowDeprecated', 'trust', 'user', 'userCertificate'],
}

describe('the rules', () => {
  it('know every option of every driver: one that is new is the site’s own until somebody decides', async () => {
    for (const name of driverNames) {
      const { optionsSchema } = await loadDriver(name)
      const { place, plain } = driverRules[name]
      const decided = [...place, ...plain, ...doors[name]].sort()
      expect(decided, name).toEqual(Object.keys(optionsSchema.properties).sort())
    }
  })
})

describe('the cloud may', () => {
  it('change intervals, tags and other things of machines that the site knows', async () => {
    const said = await complain(([chiller, , press]) => {
      chiller!.groups[0]!.intervalMs = 2000
      chiller!.groups[0]!.tags.pop()
      press!.groups[0]!.tags[0]!.deadband = 1
    })
    expect(said).toEqual([])
  })

  it('add a device where the site lists its address or its network', async () => {
    for (const hosts of [['10.0.9.4'], ['10.0.8.0/21'], ['PRINTER.local']]) {
      const host = hosts[0] === 'PRINTER.local' ? 'printer.local' : '10.0.9.4'
      const said = await complain((devices) => devices.push(printer(host)), {
        remoteConfig: { allow: true, hosts },
      })
      expect(said).toEqual([])
    }
  })

  it('narrow what may be written, and stop it', async () => {
    expect(
      await complain(([chiller]) => {
        chiller!.groups[0]!.tags[1]!.write = { min: 6, max: 11, maxPerMinute: 1, dryRun: true }
      }),
    ).toEqual([])
  })
})

describe('the cloud may not', () => {
  it('send the gateway to a machine that the site does not name', async () => {
    const said = await complain((devices) => devices.push(printer('10.0.9.4')), {
      remoteConfig: { allow: true, hosts: ['10.0.10.0/24', '10.0.9.5', '::/0'] },
    })
    expect(said).toEqual([expect.stringMatching(/^devices\[3\]\.host: .* reach 10\.0\.9\.4/)])
    const moved = await complain(([chiller]) => {
      chiller!.port = 22
    })
    expect(moved).toContainEqual(expect.stringMatching(/^devices\[0\]\.host: .* reach 10\.0\.0\.5/))
    const serial = await complain(
      ([chiller]) => {
        Object.assign(chiller!, { transport: 'rtu', serialPort: '/dev/ttyS9', baudRate: 9600 })
        delete chiller!.host
      },
      { remoteConfig: { allow: true, hosts: ['/dev/ttyS9'] } },
    )
    expect(serial.join('\n')).toContain('does not let the cloud reach this')
  })

  it('change who we are to a machine, or whom we believe', async () => {
    const said = await complain(([, , press]) => {
      press!.security = 'Basic256Sha256'
      press!.user = { name: 'operator', password: '(kept at the site)' }
    })
    expect(said).toEqual([
      'devices[2].security: is set in the file at the site only',
      'devices[2].user: is set in the file at the site only',
    ])
    const carried = await complain(
      ([, , press]) => {
        press!.endpoint = 'opc.tcp://10.0.9.9:4840'
      },
      { remoteConfig: { allow: true, hosts: ['10.0.9.9'] } },
    )
    // The password must not follow to another machine.
    expect(carried).toEqual(['devices[2].user: is set in the file at the site only'])
  })

  it('let a tag be written that the site does not, widen its limits, or move them to another register', async () => {
    const changes: ((tags: Record<string, unknown>[]) => void)[] = [
      ([speed]) => Object.assign(speed!, { write: {} }),
      ([, setpoint]) => Object.assign(setpoint!, { write: { min: 4, max: 12, maxPerMinute: 2 } }),
      ([, setpoint]) => Object.assign(setpoint!, { write: { max: 12, maxPerMinute: 2 } }),
      ([, setpoint]) => Object.assign(setpoint!, { write: { min: 5, max: 12, maxPerMinute: 3 } }),
      ([, setpoint]) => Object.assign(setpoint!, { address: 9 }),
      ([, setpoint]) => Object.assign(setpoint!, { scale: 10 }),
    ]
    for (const change of changes) {
      const said = await complain(([chiller]) => change(chiller!.groups[0]!.tags))
      expect(said.join('\n'), String(change)).toContain('does not let the cloud allow writing')
    }
    const swapped = await complain(([chiller, lock]) => {
      ;[chiller!.host, lock!.host] = [lock!.host, chiller!.host]
    })
    expect(swapped.join('\n')).toContain('does not let the cloud allow writing')
  })

  it('let tags be written even so, where the site says it may', async () => {
    const said = await complain(
      ([chiller]) => Object.assign(chiller!.groups[0]!.tags[0]!, { write: {} }),
      {
        remoteConfig: { allow: true, allowWrites: true },
      },
    )
    expect(said).toEqual([])
  })

  it('touch a device whose tag is the key switch of remote access', async () => {
    const turned = await complain(([, lock]) => {
      lock!.groups[0]!.tags[0]!.address = 1
    })
    expect(turned).toEqual([expect.stringContaining('lock has a key switch of the policy file')])
    const gone = await complain((devices) => devices.splice(1, 1))
    expect(gone.join('\n')).toContain('lock has a key switch of the policy file')
  })

  it('say anything beside the devices', async () => {
    const said = await complain(() => undefined, { more: { policy: 'mine.yaml', local: {} } })
    expect(said).toEqual([
      'policy: is set in the file at the site only',
      'local: is set in the file at the site only',
    ])
  })

  it('give a device an id that is a way out of its folder', async () => {
    const said = await complain(([chiller]) => {
      chiller!.id = '..'
    })
    expect(said.join('\n')).toContain('devices[0].id: has no letter')
  })

  it('be stopped by a warning that was there before, nor bring a new one', async () => {
    const overlap = ([chiller]: RawDevice[]) => {
      chiller!.groups[0]!.tags[0]!.address = 2
    }
    const devices = describeSite()
    overlap(devices)
    const change = (sent: RawDevice[]) => {
      overlap(sent)
      sent[0]!.groups[0]!.intervalMs = 2000
      // Its place in the list is no part of it.
      sent.push(...sent.splice(0, 1))
    }
    expect(await complain(change, { devices })).toEqual([])
    expect((await complain(change)).join('\n')).toContain('devices[2].groups[0].tags[1]')
  })

  it('send what edge check refuses', async () => {
    const said = await complain(([chiller]) => {
      chiller!.groups[0]!.tags[0]!.address = 2
    })
    expect(said.join('\n')).toContain('devices[0].groups[0].tags[1]')
    const broken = await complain(([chiller]) => {
      chiller!.groups[0]!.tags[0]!.nam = 'x'
    })
    expect(broken).toContainEqual(expect.stringContaining('unknown key, did you mean "name"?'))
  })
})
