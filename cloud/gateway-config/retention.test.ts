/** Which versions of a gateway's configuration are removed, and which stay whatever their age. */
import { expect, test } from 'vitest'
import { createLog } from '../../protocol/kit/log.ts'
import type { ConfigState } from '../../protocol/states.ts'
import { openAudit } from '../audit/audit.ts'
import { openStore } from '../store/store.ts'
import { openGatewayConfigs } from './gateway-config.ts'

const DAY = 86_400_000
const START = 1_700_000_000_000
const log = createLog('test')
log.level = 'silent'

test('old versions go; the first, the one that runs, the last good one, the draft and what is under way stay', async () => {
  await using store = await openStore({ file: ':memory:' })
  const audit = await openAudit(store)
  const enter = (version: number, state: ConfigState, previous: ConfigState, at = START) =>
    store.db
      .insertInto('gateway_configs')
      .values({
        ...{ site: 'plant', gateway: 'gw', version, previous_state: previous, state, at },
        ...{ yaml: 'x', base: 'h', reason: '', created_by: 'ina', created_at: START },
        ...{ sent_by: null, sent_at: null, confirm_before: null, why: null, say: null },
        ...{ problems: '[]', diff: null },
      })
      .execute()
  await enter(1, 'confirmed', 'applied')
  await enter(2, 'confirmed', 'applied')
  await enter(3, 'confirmed', 'applied')
  await enter(4, 'refused', 'sent')
  await enter(5, 'confirmed', 'applied')
  await enter(6, 'reverted', 'applied')
  await enter(7, 'refused', 'sent', START + 95 * DAY)
  await enter(8, 'applied', 'staged')
  await enter(9, 'refused', 'sent')
  await enter(10, 'draft', 'draft')
  const present = { hash: 'h', source: 'cloud', version: 5, yaml: 'x', allowed: 1 as const }
  await store.db
    .insertInto('gateway_config_present')
    .values({ site: 'plant', gateway: 'gw', ...present, read_at: 1 })
    .execute()
  await using configs = openGatewayConfigs({
    ...{ store, audit, log, isUp: () => false, onChange: () => undefined },
    carry: async () => undefined,
    onDevices: async () => undefined,
    now: () => START + 100 * DAY,
  })
  await configs.retain({ keepVersions: 2, keepDays: 30 })
  const rows = await store.db.selectFrom('gateway_configs').select('version').execute()
  expect(rows.map(({ version }) => version)).toEqual([1, 3, 5, 7, 8, 9, 10])
  await configs.retain({ keepVersions: 2, keepDays: 30 })
  const entries = await audit.list({ limit: 5 })
  expect(entries).toMatchObject([
    { actor: 'retention', action: 'gateway.configure', object: 'plant/gw' },
  ])
  expect(JSON.parse(entries[0]!.detail)).toEqual({ act: 'remove', versions: [6, 4, 2] })
})
