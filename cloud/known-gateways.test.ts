/** A gateway that is not in the fleet is nobody at either door. */

import { X509Certificate } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { CloudConfig } from './config.ts'
import { openPki } from './identity/pki.ts'
import type { Revocations } from './identity/revocations.ts'
import { identifyKnown } from './known-gateways.ts'

test('a certificate of a gateway that was taken out of the fleet, or revoked, is worth nothing, whatever its dates', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'mimamori-known-'))
  try {
    const pki = await openPki(dir)
    const fleet = { gateways: [{ site: 'plant', id: 'gw1', title: 'G' }] } as CloudConfig['fleet']
    const revoked = new Set<string>()
    const isRevoked: Revocations['isRevoked'] = ({ gateway }) => revoked.has(gateway)
    const identify = identifyKnown({ fleet }, { pki, revocations: { isRevoked } })
    const show = async (site: string, gateway: string) =>
      identify(new X509Certificate((await pki.issueGateway({ site, gateway })).cert))
    expect(await show('plant', 'gw1')).toEqual({ site: 'plant', gateway: 'gw1' })
    expect(await show('plant', 'gw2')).toBeUndefined()
    expect(await show('shop', 'gw1')).toBeUndefined()
    revoked.add('gw1')
    expect(await show('plant', 'gw1')).toBeUndefined()
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
})
