/** F12–F15: what happens between the gateway and an OPC UA server whose counter goes on by itself. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { TagId } from '../../protocol/model.ts'
import { type Bench, openBench } from './bench.ts'
import { describePlc } from './counting-plc.ts'
import {
  CALM_VALUE,
  type CountingPress,
  describePress,
  openCountingPress,
  pressJudge,
  pressTag,
} from './counting-press.ts'
import { judge } from './judge.ts'
import { missingMosquitto } from './processes.ts'
import type { Scenario, Seen } from './scenario.ts'
import { until } from './until.ts'

const otherTag: TagId = 'plant/gw1/press/Other'
interface PressScenario {
  id: string
  name: string
  expect: string
  fault(press: CountingPress, bench: Bench): Promise<string[]>
}

/** The counter flows, the fault comes and goes; the counter flows again and every integer is accounted for. */
async function runPress({ fault }: Pick<PressScenario, 'fault'>): Promise<Seen> {
  await using press = await openCountingPress()
  await using bench = await openBench({
    devices: (plc) => [describePlc(plc), describePress(press)],
  })
  const from = Date.now()
  const flows = async (what: string) => {
    const target = press.told.length + 3
    await until(`OPC UA data ${what}`, () => bench.store.last(pressTag) >= target, 150_000)
  }
  await flows('before the fault')
  const failed = await fault(press, bench)
  const endedAt = Date.now()
  await flows('after the fault')
  const secondsToNormal = (Date.now() - endedAt) / 1000
  if (press.sessions() > 1) failed.push(`${press.sessions()} sessions at once`)
  const verdict = await judge(bench, pressJudge(press, from))
  const plc = await judge(bench)
  failed.push(...verdict.failed, ...plc.failed)
  // Whose loss it is: the row tells one number for both.
  if (plc.lost > 0) failed.push(`${plc.lost} lost at the Modbus device beside it`)
  const { duplicated, stored, inGaps } = verdict
  const lost = verdict.lost + plc.lost
  const said = `${stored} stored, ${inGaps} while marked bad, ${press.proxy.accepted()} connections`
  return { said, lost, duplicated: duplicated + plc.duplicated, secondsToNormal, failed }
}

async function offlineSentence(bench: Bench): Promise<string> {
  let sentence = ''
  await until('the press is offline', async () => {
    const device = (await bench.status())?.devices.find(({ id }) => id === 'press')
    sentence = device?.sentence ?? ''
    return device?.online === false
  })
  return sentence
}

const pressFaults: readonly PressScenario[] = [
  {
    id: 'F12',
    name: 'OPC UA line silent for 3 s, session survives',
    expect: 'notifications resume, nothing lost',
    async fault({ proxy }) {
      proxy.set({ frozen: 'both' })
      await sleep(3000)
      proxy.clear()
      return []
    },
  },
  {
    id: 'F12b',
    name: 'OPC UA line reset and refused for 3 s',
    expect: 'new session, values resume; the hole is marked bad',
    async fault({ proxy }) {
      proxy.set({ refuse: true })
      proxy.reset()
      await sleep(3000)
      proxy.clear()
      return []
    },
  },
  {
    id: 'F13',
    name: 'server restarted: namespaces in another order, then a node gone, then one session only',
    expect: 'values resume each time, the missing node is bad, one session',
    fault: restartChanged,
  },
  {
    id: 'F14',
    name: 'server renews its certificate',
    expect: 'refused until trusted; the other device goes on',
    fault: renewCertificate,
  },
  {
    id: 'F15',
    name: 'server accepts TCP and never answers, 12 s',
    expect: 'deadlines, one socket at a time, back by itself',
    async fault({ proxy }, bench) {
      proxy.set({ frozen: 'down' })
      proxy.reset()
      await sleep(12_000)
      const failed = proxy.open() > 1 ? [`${proxy.open()} sockets at once`] : []
      await offlineSentence(bench)
      proxy.clear()
      return failed
    },
  },
  {
    id: 'F15b',
    name: 'an open session goes mute for 12 s',
    expect:
      'rebuilt by the watchdog, one socket at a time; a value that changed unheard is not repeated',
    fault: goMute,
  },
]

export const opcuaFaults: readonly Scenario[] = pressFaults.map(({ id, name, expect, fault }) => ({
  ...{ id, fault: name, expect },
  missing: missingMosquitto,
  run: () => runPress({ fault }),
}))

/** The calm value changes when nobody hears it, long before the watchdog knows. */
async function goMute(press: CountingPress, bench: Bench): Promise<string[]> {
  const { proxy } = press
  const others = () => bench.store.samples(otherTag)
  await until('the calm value is repeated', () => others().length > 3)
  proxy.set({ frozen: 'down' })
  await sleep(500)
  const changedAt = Date.now()
  press.setOther(CALM_VALUE + 1)
  await sleep(12_000)
  const failed = proxy.open() > 1 ? [`${proxy.open()} sockets at once`] : []
  proxy.clear()
  await until('the new value', () => Number(others().at(-1)?.value) === CALM_VALUE + 1, 150_000)
  const repeated = others().filter(
    ({ at, value }) => Number(value) === CALM_VALUE && at >= changedAt,
  )
  if (repeated.length > 0) failed.push(`${repeated.length} times the old value told as good`)
  const before = others().findLast(({ at }) => at <= changedAt)
  if (before?.quality !== 0) failed.push('not marked bad at the time of the change')
  return failed
}

async function restartChanged(press: CountingPress, bench: Bench): Promise<string[]> {
  const failed: string[] = []
  const flows = async (what: string) => {
    const target = press.told.length + 3
    await until(`values ${what}`, () => bench.store.last(pressTag) >= target, 150_000)
  }
  await press.stop()
  await press.start({ earlierNamespaces: ['urn:test:one', 'urn:test:two'] })
  await flows('after the namespaces moved')
  await press.stop()
  const initial = press.told.length
  await press.start({ variables: [{ name: 'Count', type: 'Int32', initial }] })
  await flows('after a node is gone')
  const other = bench.store.samples(otherTag).at(-1)
  if (other?.quality === 192) failed.push('the missing node is still good')
  await press.stop()
  await press.start({ maxSessions: 1 })
  await flows('with one session allowed')
  const { at } = bench.store.samples(otherTag).at(-1) ?? {}
  if (at === other?.at) failed.push('the node that came back was not read again')
  return failed
}

async function renewCertificate(press: CountingPress, bench: Bench): Promise<string[]> {
  await press.stop()
  await press.start({ hasNewKey: true })
  const sentence = await offlineSentence(bench)
  await sleep(5000)
  const failed = (await offlineSentence(bench)) === '' ? ['offline without a reason'] : []
  await bench.flows('from the other device')
  await press.trust()
  if (sentence === '') failed.push('no reason told')
  return failed
}
