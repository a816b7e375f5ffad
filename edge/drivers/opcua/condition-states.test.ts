/** What the conditions of a server make of an event tag. */
import { expect, test } from 'vitest'
import { ConditionStates, SERVER } from './condition-states.ts'
import type { ServerEvent } from './event-fields.ts'

const event = (more: Partial<ServerEvent>): ServerEvent => ({
  ...{ type: 't', sourceName: 's', message: '', severity: 1 },
  ...{ source: 'src', condition: 'c', retain: true },
  ...more,
})

test('an earlier state that waits to be acknowledged does not make a calm condition active', () => {
  const states = new ConditionStates()
  states.take(event({ active: false, acked: true }))
  states.take(event({ branch: 'ns=1;i=7', active: true, acked: false }))
  for (const node of ['c', 'src', SERVER]) {
    expect(states.valueOf(node, 'ActiveState')).toBe(false)
    expect(states.valueOf(node, 'AckedState')).toBe(false)
  }
  states.take(event({ branch: 'ns=1;i=7', retain: false, active: true, acked: true }))
  expect(states.valueOf('c', 'AckedState')).toBe(true)
  states.take(event({ active: true, acked: false }))
  states.take(event({ branch: 'ns=1;i=8', active: false, acked: true }))
  expect(states.valueOf('c', 'ActiveState')).toBe(true)
  expect(states.valueOf('c', 'AckedState')).toBe(false)
})
