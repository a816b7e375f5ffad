/** Deadbands, paths, arrays, methods, events and browsing against a real server. */
import { StatusCodes, DataType as UaType, Variant, VariantArrayType } from 'node-opcua'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { quality, type Sample, type Tag } from '../../../protocol/model.ts'
import type { OpcuaServer } from '../../../simulators/kit/opcua-server.ts'
import type { DeviceParts } from '../../../simulators/kit/opcua-variables.ts'
import { until } from '../conformance.ts'
import type { Connection } from '../driver.ts'
import { browse } from './opcua.ts'
import { createTag, faultOf, NAMESPACE, never, openScene, type Scene } from './scene.fixture.ts'

let scene: Scene
let server: OpcuaServer
let connection: Connection
let alarm: ReturnType<DeviceParts['namespace']['instantiateOffNormalAlarm']>

const variables = [
  { name: 'Pressure', type: 'Double', initial: 50, range: [0, 200], unit: 'bar', writable: true },
  { name: 'Plain', type: 'Double', initial: 1 },
  { name: 'Door', type: 'Boolean', initial: false, writable: true },
] as const

beforeAll(async () => {
  scene = await openScene()
  server = await scene.openServer({ variables, extend: addMore })
  const namespaces = { press: NAMESPACE }
  connection = await scene
    .createDriver(server.port, { namespaces, security: 'None', keepAliveMs: 200 })
    .connect(never())
})
afterAll(async () => {
  await connection?.[Symbol.asyncDispose]()
  await scene?.[Symbol.asyncDispose]()
})

function addMore({ space, namespace, object }: DeviceParts) {
  const temperatures = namespace.addVariable({
    componentOf: object,
    browseName: 'Zone/Temperatures',
    nodeId: 's=Press.Temperatures',
    dataType: 'Int32',
    valueRank: 1,
    arrayDimensions: [3],
    accessLevel: 'CurrentRead | CurrentWrite',
    userAccessLevel: 'CurrentRead | CurrentWrite',
  })
  const value = { dataType: UaType.Int32, arrayType: VariantArrayType.Array, value: [10, 20, 30] }
  temperatures.setValueFromSource(value)
  const method = namespace.addMethod(object, {
    browseName: 'Scale',
    nodeId: 's=Press.Scale',
    inputArguments: [
      { name: 'value', dataType: UaType.Double },
      { name: 'times', dataType: UaType.UInt16 },
    ],
    outputArguments: [{ name: 'result', dataType: UaType.Double }],
  })
  method.bindMethod((args, _context, callback) => {
    const result = Number(args[0]?.value) * Number(args[1]?.value)
    if (result < 0) return callback(null, { statusCode: StatusCodes.BadOutOfRange })
    const outputArguments = [new Variant({ dataType: UaType.Double, value: result })]
    callback(null, { statusCode: StatusCodes.Good, outputArguments })
  })
  // A loop in the graph: a browser that trusts it never ends.
  object.addReference({ referenceType: 'Organizes', nodeId: space.rootFolder.objects })
  const folder = namespace.addObject({ componentOf: object, browseName: 'Many' })
  for (let i = 0; i < 1200; i++) {
    namespace.addVariable({
      componentOf: folder,
      browseName: `V${i}`,
      nodeId: `s=Many.${i}`,
      dataType: 'UInt16',
    })
  }
  const door = space.findNode(`ns=${namespace.index};s=Press.Door`)
  if (!door) throw new Error('no door')
  space.installAlarmsAndConditionsService()
  object.setEventNotifier(1)
  space.rootFolder.objects.server.addReference({ referenceType: 'HasNotifier', nodeId: object })
  const unit = namespace.addObject({
    componentOf: object,
    eventSourceOf: object,
    browseName: 'DoorUnit',
    nodeId: 's=Press.DoorUnit',
  })
  alarm = namespace.instantiateOffNormalAlarm({
    browseName: 'DoorAlarm',
    nodeId: 's=Press.DoorAlarm',
    componentOf: unit,
    conditionSource: unit,
    inputNode: door.nodeId,
    normalState: door.nodeId,
    optionals: ['ConfirmedState', 'Confirm'],
  })
}

/** Subscribes and gives what has come so far of one tag. */
function listen(tags: readonly Tag[]) {
  const stop = new AbortController()
  const seen: Sample[] = []
  const running = connection.subscribe?.(tags, (more) => void seen.push(...more), stop.signal)
  running?.catch(() => {})
  return {
    of: (tag: Tag) => seen.filter((it) => it.tag === tag.id),
    last: (tag: Tag) => seen.findLast((it) => it.tag === tag.id),
    async [Symbol.asyncDispose]() {
      stop.abort()
      await running
    },
  }
}

describe('monitored items', () => {
  test('the server holds back changes within the absolute and the percent deadband of a tag', async () => {
    const absolute = { ...createTag('Pressure', 'Double', { deadbandAbsolute: 5 }), id: 's/g/d/a' }
    const percent = { ...createTag('Pressure', 'Double', { deadbandPercent: 10 }), id: 's/g/d/p' }
    const all = createTag('Pressure', 'Double', { queueSize: 100 })
    const tags = [absolute, percent, all] as Tag[]
    server.set('Pressure', 50)
    await using heard = listen(tags)
    await until(() => tags.every((tag) => heard.of(tag).length === 1), 'the first values')
    for (const value of [53, 56, 60, 71, 80]) server.set('Pressure', value)
    await until(() => heard.last(all)?.value === 80, 'the last value')
    const values = (tag: Tag | undefined) => heard.of(tag as Tag).map((it) => it.value)
    expect(values(tags[2])).toEqual([50, 53, 56, 60, 71, 80])
    expect(values(tags[0])).toEqual([50, 56, 71, 80])
    // Of an EURange of 200 that is 20.
    expect(values(tags[1])).toEqual([50, 71])
  })

  test('a deadband the server refuses is left out, and that is told once', async () => {
    const tag = createTag('Plain', 'Double', { deadbandPercent: 50 })
    for (let turn = 1; turn <= 2; turn++) {
      await using heard = listen([tag])
      await until(() => heard.of(tag).length === 1, 'the first value')
      server.set('Plain', 1 + turn / 1000)
      await until(() => heard.last(tag)?.value === 1 + turn / 1000, 'a small change')
      expect(heard.of(tag).every((it) => it.quality === quality.good)).toBe(true)
    }
    expect(scene.said.filter((say) => say.includes('no deadband for Plain'))).toHaveLength(1)
  })
})

describe('addresses', () => {
  const path = '/Objects/press:Press/press:Pressure'

  test('a browse path is read, subscribed and written like a node id', async () => {
    const tag = createTag('ByPath', 'Double', { browsePath: path })
    await connection.write?.(tag, 61, never())
    expect(await connection.read([tag], never())).toMatchObject([{ value: 61 }])
    await using heard = listen([tag])
    await until(() => heard.last(tag)?.value === 61, 'the value')
  })

  test('a path that leads nowhere, or names no known prefix, is one bad tag beside good ones', async () => {
    const tags = ['/Objects/press:Press/press:Absent', '/Objects/other:Press', path].map((it, i) =>
      createTag(`P${i}`, 'Double', { browsePath: it }),
    )
    const samples = await connection.read(tags, never())
    expect(samples.map((it) => it.quality)).toEqual([quality.bad, quality.bad, quality.good])
    expect(samples[0]?.status).toBe(0x806f0000)
  })

  test('one element of an array is a value that can be written; the whole is JSON text', async () => {
    const node = { nodeId: `nsu=${NAMESPACE};s=Press.Temperatures` }
    const second = createTag('Second', 'Int32', { ...node, indexRange: '1' })
    const part = createTag('Part', 'String', { ...node, indexRange: '1:2' })
    const whole = createTag('Whole', 'String', node)
    const bare = createTag('Bare', 'Int32', node)
    const beyond = createTag('Beyond', 'Int32', { ...node, indexRange: '9' })
    await connection.write?.(second, 21, never())
    const samples = await connection.read([second, part, whole, bare, beyond], never())
    expect(samples.map((it) => it.value)).toEqual([21, '[21,30]', '[10,21,30]', null, null])
    expect(samples.map((it) => it.status)).toEqual([0, 0, 0, 0x80740000, 0x80370000])
    await using heard = listen([second])
    await until(() => heard.last(second)?.value === 21, 'the element')
    expect((await faultOf(connection.write?.(part, '[]', never()))).code).toBe(
      'driver.not-writable',
    )
  })
})

describe('methods', () => {
  const order = { object: `nsu=${NAMESPACE};s=Press`, method: `nsu=${NAMESPACE};s=Press.Scale` }

  test('a call sends its arguments in the declared types and returns the outputs', async () => {
    expect(await connection.call?.({ ...order, args: [2.5, 4] }, never())).toEqual([10])
  })

  test('what the server or the declaration does not take is refused with the reason', async () => {
    const call = (args: (number | string)[]) =>
      faultOf(connection.call?.({ ...order, args }, never()))
    expect(await call([-1, 1])).toMatchObject({ code: 'driver.refused' })
    expect((await call([-1, 1])).message).toContain('BadOutOfRange')
    expect((await call([1])).message).toContain('2 argument(s)')
    expect(await call([1, 70_000])).toMatchObject({ code: 'driver.bad-value' })
    const absent = { ...order, method: `nsu=${NAMESPACE};s=Press.Absent`, args: [] }
    expect(await faultOf(connection.call?.(absent, never()))).toMatchObject({
      code: 'driver.refused',
    })
  })
})

describe('events', () => {
  const tag = (field: string, type: Tag['type'], nodeId: string) =>
    createTag(`${nodeId} ${field}`, type, { nodeId, event: field })
  const condition = `nsu=${NAMESPACE};s=Press.DoorAlarm`

  test('a condition is followed from its present state on: active, acknowledged, and over', async () => {
    const active = tag('ActiveState', 'Boolean', condition)
    const acked = tag('AckedState', 'Boolean', condition)
    const ofSource = tag('ActiveState', 'Boolean', `nsu=${NAMESPACE};s=Press.DoorUnit`)
    const severity = tag('Severity', 'UInt16', 'i=2253')
    const message = tag('Message', 'String', 'i=2253')
    const source = tag('SourceName', 'String', condition)
    await using heard = listen([active, acked, ofSource, severity, message, source])
    const is = (a: boolean, b: boolean) => () =>
      heard.last(active)?.value === a && heard.last(acked)?.value === b
    await until(is(false, true), 'the calm state')
    alarm.activateAlarm()
    alarm.raiseNewCondition({ message: 'Door open', severity: 700, retain: true })
    await until(is(true, false), 'the alarm')
    await until(() => heard.last(message)?.value === 'Door open', 'the message')
    expect(heard.last(ofSource)).toMatchObject({ value: true, quality: quality.good, status: 0 })
    expect(heard.last(severity)?.value).toBe(700)
    expect(heard.last(source)?.value).toMatch(/DoorUnit$/)
    await using late = listen([active])
    await until(() => late.last(active)?.value === true, 'the state another learns by refresh')
    alarm.currentBranch().setAckedState(true)
    alarm.raiseNewCondition({ message: 'Seen', severity: 700, retain: true })
    await until(is(true, true), 'the acknowledgement')
    alarm.deactivateAlarm()
    alarm.raiseNewCondition({ message: 'Shut', severity: 100, retain: false })
    await until(is(false, true), 'the end')
    await until(() => heard.last(ofSource)?.value === false, 'the end at the source')
  })

  test('an event has no value to be read', async () => {
    const samples = await connection.read([tag('ActiveState', 'Boolean', condition)], never())
    expect(samples).toMatchObject([{ quality: quality.bad, status: 0x803a0000 }])
  })
})

describe('browsing', () => {
  const look = (more = {}) =>
    browse(
      server.endpoint,
      { stateDir: scene.folder, connection: { security: 'None', timeoutMs: 5000 }, ...more },
      never(),
    )

  test('every variable is a row whose node id and path a driver can read', async () => {
    const { tags, isCut } = await look()
    expect(isCut).toBe(false)
    const row = (name: string) => tags.find((it) => it.name === `Press/${name}`)
    expect(row('Pressure')).toEqual({
      name: 'Press/Pressure',
      type: 'Double',
      unit: 'bar',
      nodeId: `nsu=${NAMESPACE};s=Press.Pressure`,
      browsePath: `/Objects/nsu=${NAMESPACE};Press/nsu=${NAMESPACE};Pressure`,
      access: 'write',
      isArray: false,
    })
    expect(row('Plain')).toMatchObject({ type: 'Double', access: 'read' })
    expect(row('Zone/Temperatures')).toMatchObject({ type: 'String', isArray: true })
    expect(tags.filter((it) => it.name.startsWith('Press/Many/'))).toHaveLength(1200)
    expect(new Set(tags.map((it) => it.nodeId)).size).toBe(tags.length)
    const { nodeId, browsePath } = row('Zone/Temperatures') ?? {}
    const pair = [{ nodeId }, { browsePath }].map((address, i) => ({
      ...createTag(`Row ${i}`, 'String'),
      address,
    }))
    const [byId, byPath] = await connection.read(pair, never())
    expect(byId?.quality).toBe(quality.good)
    expect(byPath?.value).toBe(byId?.value)
  })

  test('depth and number are bounded, and that is said', async () => {
    expect(await look({ maxNodes: 100 })).toMatchObject({ visited: 100, isCut: true })
    const shallow = await look({ maxDepth: 1 })
    expect(shallow.tags).toEqual([])
    expect(shallow.isCut).toBe(true)
  })
})
