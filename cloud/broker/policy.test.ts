/** The gateway's rule as a table: what passes, what does not. */
import { describe, expect, it } from 'vitest'
import { findConnectProblem, findPublishProblem, maySubscribe } from './policy.ts'

const me = { site: 'plant', gateway: 'gw-1' }

describe('a gateway on the broker', () => {
  const allowed = [
    'spBv1.0/plant/NBIRTH/gw-1',
    'spBv1.0/plant/NDATA/gw-1',
    'spBv1.0/plant/NDEATH/gw-1',
    'spBv1.0/plant/DBIRTH/gw-1/press',
    'spBv1.0/plant/DDATA/gw-1/press',
    'spBv1.0/plant/DDEATH/gw-1/press',
  ]
  it.each(allowed)('may publish %s', (topic) => {
    expect(findPublishProblem(me, { topic, qos: 0, retain: false })).toBeUndefined()
    expect(findPublishProblem(me, { topic, qos: 1, retain: false })).toBeUndefined()
    expect(findPublishProblem(me, { topic, qos: 2, retain: false })).toMatch(/QoS 2/)
    expect(findPublishProblem(me, { topic, qos: 0, retain: true })).toMatch(/retain/)
  })

  const foreign = [
    'spBv1.0/plant/NCMD/gw-1',
    'spBv1.0/plant/DCMD/gw-1/press',
    'spBv1.0/STATE/cloud',
    'spBv1.0/plant/STATE/gw-1',
    'spBv1.0/plant/NDATA/gw-2',
    'spBv1.0/plant/NDATA/gw-1/press',
    'spBv1.0/plant/DDATA/gw-1',
    'spBv1.0/plant/DDATA/gw-1/',
    'spBv1.0/plant/DDATA/gw-1/press/x',
    'spBv1.0/other/NDATA/gw-1',
    'spBv1.0/plant/ndata/gw-1',
    'spAv1.0/plant/NDATA/gw-1',
    '/spBv1.0/plant/NDATA/gw-1',
    'spBv1.0/plant/NDATA/gw-1\u0000',
    'spBv1.0/plant//gw-1',
    '$SYS/broker',
    '$sparkplug/certificates/x',
    'anything',
    '',
  ]
  it.each(foreign)('may not publish %j', (topic) => {
    expect(findPublishProblem(me, { topic, qos: 0, retain: false })).toMatch(/not its own/)
  })

  const heard = [
    'spBv1.0/plant/NCMD/gw-1',
    'spBv1.0/plant/DCMD/gw-1/press',
    'spBv1.0/plant/DCMD/gw-1/+',
    'spBv1.0/plant/DCMD/gw-1/#',
    'spBv1.0/STATE/+',
    'spBv1.0/STATE/cloud',
  ]
  it.each(heard)('may listen to %s', (filter) => expect(maySubscribe(me, filter)).toBe(true))

  const unheard = [
    '#',
    '+/#',
    'spBv1.0/#',
    'spBv1.0/plant/#',
    'spBv1.0/+/NCMD/gw-1',
    'spBv1.0/plant/+/gw-1',
    'spBv1.0/plant/NCMD/+',
    'spBv1.0/plant/NCMD/#',
    'spBv1.0/plant/NCMD/gw-2',
    'spBv1.0/plant/DCMD/gw-2/+',
    'spBv1.0/plant/DCMD/+/press',
    'spBv1.0/plant/NDATA/gw-1',
    'spBv1.0/STATE/#',
    'spBv1.0/STATE/+/x',
    '$SYS/#',
    '$share/g/spBv1.0/plant/NCMD/gw-1',
  ]
  it.each(unheard)('may not listen to %s', (filter) => expect(maySubscribe(me, filter)).toBe(false))

  it('may connect only as itself, with a clean session and a will of its own', () => {
    const will = { topic: 'spBv1.0/plant/NDEATH/gw-1', payload: '', qos: 1 as const, retain: false }
    const connect = { clientId: 'plant/gw-1', clean: true, will }
    expect(findConnectProblem(me, connect)).toBeUndefined()
    expect(findConnectProblem(me, { ...connect, will: undefined })).toBeUndefined()
    expect(findConnectProblem(me, { ...connect, clientId: 'plant/gw-2' })).toMatch(/identity/)
    expect(findConnectProblem(me, { ...connect, clientId: '' })).toMatch(/identity/)
    expect(findConnectProblem(me, { ...connect, clean: false })).toMatch(/persistent/)
    const foreignWill = { ...will, topic: 'spBv1.0/plant/NDEATH/gw-2' }
    expect(findConnectProblem(me, { ...connect, will: foreignWill })).toMatch(/not its own/)
    expect(findConnectProblem(me, { ...connect, will: { ...will, qos: 2 } })).toMatch(/QoS 2/)
  })
})
