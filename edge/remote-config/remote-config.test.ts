/** A configuration from the cloud: staged, applied, confirmed or taken back; whatever happens, old or new, never none. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it, vi } from 'vitest'
import { parse, stringify } from 'yaml'
import { createLog } from '../../protocol/kit/log.ts'
import { loadGatewayConfig } from '../config.ts'
import { openRemoteConfig, type RemoteConfig } from './remote-config.ts'
import { describeSite, offerOf, openSite, type RawDevice, type SiteScene } from './site.fixture.ts'

const FORMER = ['chiller@1000', 'lock@1000', 'press@1000']
const NEXT = ['chiller@250', 'lock@1000', 'press@1000']

/** The present devices with a change, as the cloud would send them. */
function edit(remote: RemoteConfig, change: (devices: RawDevice[]) => void): string {
  const value = parse(remote.report().yaml) as { devices: RawDevice[] }
  change(value.devices)
  return stringify(value)
}

const eventually = (check: () => unknown) => vi.waitFor(check, { timeout: 45_000 })

const faster = (remote: RemoteConfig) =>
  edit(remote, ([chiller]) => {
    chiller!.groups[0]!.intervalMs = 250
  })

async function stage(scene: SiteScene, remote: RemoteConfig, more: object = {}) {
  const answer = await remote.offer(offerOf(remote, faster(remote), more))
  expect(answer).toMatchObject({ outcome: 'staged' })
  await eventually(() => expect(scene.applied()).toEqual(NEXT))
  await eventually(() => expect(remote.report().pending?.phase).toBe('applied'))
}

describe('a configuration on trial', () => {
  it('is confirmed by the cloud once a reading taken since has been acknowledged', async () => {
    await using scene = await openSite()
    await using remote = await scene.start()
    await stage(scene, remote)
    expect(await remote.confirm({ version: 1 })).toMatchObject({ done: false })
    scene.link.online = false
    scene.link.acknowledged = 1
    expect(await remote.confirm({ version: 1 })).toMatchObject({ done: false })
    scene.link.online = true
    expect(await remote.confirm({ version: 1 })).toMatchObject({ done: true })
    expect(remote.report()).toMatchObject({ from: 'cloud', version: 1, pending: null })
    // Said twice because the first answer was lost.
    expect(await remote.confirm({ version: 1 })).toMatchObject({ done: true })
  })

  it('goes back by itself when nobody confirms it in time', async () => {
    await using scene = await openSite()
    await using remote = await scene.start()
    const before = remote.report().hash
    await stage(scene, remote, { confirmWithinS: 0.05 })
    await eventually(() => expect(scene.applied()).toEqual(FORMER))
    await eventually(() =>
      expect(remote.report()).toMatchObject({
        hash: before,
        from: 'site',
        pending: null,
        last: { version: 1, outcome: 'reverted', why: 'not-confirmed' },
      }),
    )
    expect(await remote.confirm({ version: 1 })).toMatchObject({ done: false })
  })

  it('goes back when the cloud cancels it, and when a driver cannot be had', async () => {
    await using scene = await openSite()
    await using remote = await scene.start()
    await stage(scene, remote)
    expect(await remote.cancel({ version: 1 })).toMatchObject({ done: true })
    expect(scene.applied()).toEqual(FORMER)
    scene.link.failures = 1
    await remote.offer(offerOf(remote, faster(remote), { version: 2 }))
    await eventually(() =>
      expect(remote.report().last).toMatchObject({ version: 2, why: 'failed' }),
    )
    expect(scene.applied()).toEqual(FORMER)
  })

  it('is the only one: another waits its turn, the same again is no second one', async () => {
    await using scene = await openSite()
    await using remote = await scene.start()
    const first = offerOf(remote, faster(remote))
    expect(await remote.offer(first)).toMatchObject({ outcome: 'staged' })
    expect(await remote.offer(first)).toMatchObject({ outcome: 'staged' })
    const other = { ...first, version: 2 }
    expect(await remote.offer(other)).toMatchObject({ outcome: 'refused', why: 'busy' })
  })
})

describe('an offer', () => {
  it('that changes nothing is acknowledged and not kept, whatever its layout', async () => {
    await using scene = await openSite()
    await using remote = await scene.start()
    const value = parse(remote.report().yaml)
    const yaml = `# a remark\n${JSON.stringify(value)}`
    expect(await remote.offer(offerOf(remote, yaml))).toMatchObject({ outcome: 'unchanged' })
    expect(scene.applied()).toBeUndefined()
    await expect(readdir(join(scene.dir, 'kept'))).rejects.toThrow('ENOENT')
  })

  it('of a thousand tags is checked like a small one', async () => {
    await using scene = await openSite()
    await using remote = await scene.start()
    const large = edit(remote, ([chiller]) => {
      const more = Array.from({ length: 1000 }, (_, i) => ({ name: `T${i}`, address: i }))
      const rest = { type: 'UInt16', table: 'input', encoding: 'uint16' }
      chiller!.groups[0]!.tags.push(...more.map((tag) => ({ ...tag, ...rest })))
    })
    const { problems, diff } = await remote.check({ yaml: large })
    expect(problems).toEqual([])
    expect(diff?.changed[0]?.tagsAdded.length).toBe(1000)
  })

  it('of any shape is answered, and the next one too: one that cannot be checked must not end all checks', async () => {
    await using scene = await openSite()
    await using remote = await scene.start()
    const yaml = 'devices: [{ id: a, driver: { toString: 1 } }]'
    const { problems } = await remote.check({ yaml })
    expect(problems).toMatchObject([{ line: 1, path: 'devices[0].driver' }])
    expect((await remote.check({ yaml: remote.report().yaml })).problems).toEqual([])
  })

  it('of a few lines that swell to thousands of tags keeps no link waiting: it is checked apart', async () => {
    await using scene = await openSite()
    await using remote = await scene.start()
    const tags = Array.from({ length: 300 }, (_, i) => `{ name: T${i} }`).join(', ')
    const groups = Array.from(
      { length: 30 },
      (_, i) => `{ name: g${i}, intervalMs: 1000, tags: *t }`,
    )
    const first = `{ name: a, intervalMs: 1000, tags: &t [${tags}] }`
    const yaml = `devices: [{ id: chiller, driver: modbus, host: h, groups: [${[first, ...groups].join(', ')}] }]`
    // In one piece it would be one turn of the loop, or a few.
    let turns = 0
    const timer = setInterval(() => (turns += 1), 5)
    const { problems } = await remote.check({ yaml })
    clearInterval(timer)
    expect(problems.length).toBeGreaterThan(0)
    expect(turns).toBeGreaterThan(20)
  })

  it('made against another configuration, damaged on its way, or not allowed is refused', async () => {
    await using scene = await openSite()
    {
      await using remote = await scene.start()
      const good = offerOf(remote, faster(remote))
      const base = 'a'.repeat(64)
      expect(await remote.offer({ ...good, base })).toMatchObject({ why: 'base-differs' })
      expect(await remote.offer({ ...good, sha256: base })).toMatchObject({ why: 'damaged' })
    }
    await scene.writeSite(describeSite(), {})
    await using remote = await scene.start()
    expect(remote.report().allowed).toBe(false)
    const refused = await remote.offer(offerOf(remote, faster(remote)))
    expect(refused).toMatchObject({ outcome: 'refused', why: 'not-allowed' })
    expect(scene.applied()).toBeUndefined()
  })

  it('tells the cloud no password, and takes none from it', async () => {
    await using scene = await openSite()
    await using remote = await scene.start()
    expect(remote.report().yaml).not.toContain('hunter2')
    await stage(scene, remote)
    scene.link.acknowledged = 1
    await remote.confirm({ version: 1 })
    const user = remote.report().yaml
    expect(user).not.toContain('hunter2')
    const again = await scene.start()
    expect(again.config.devices[2]?.options.user).toEqual({ name: 'reader', password: 'hunter2' })
    const stolen = edit(again, ([, , press]) => {
      press!.user = { name: 'reader', password: 'mine' }
    })
    const { problems } = await again.check({ yaml: stolen })
    expect(problems).toMatchObject([{ path: 'devices[2].user.password' }])
  })
})

describe('a power cut', () => {
  const startsWith = async (scene: SiteScene) => {
    const remote = await scene.start()
    return remote.config.devices.map(({ id, groups }) => `${id}@${groups[0]?.intervalMs}`)
  }

  it('during the trial brings the former configuration back, and the cloud is told', async () => {
    await using scene = await openSite()
    await stage(scene, await scene.start())
    const after = await scene.start()
    expect(await startsWith(scene)).toEqual(FORMER)
    expect(after.report().last).toMatchObject({ version: 1, outcome: 'reverted', why: 'restarted' })
  })

  it('after the confirmation leaves the new one in force', async () => {
    await using scene = await openSite()
    const remote = await scene.start()
    await stage(scene, remote)
    scene.link.acknowledged = 1
    await remote.confirm({ version: 1 })
    expect(await startsWith(scene)).toEqual(NEXT)
  })

  it('at any moment of writing leaves the old or the new, never none', async () => {
    await using scene = await openSite()
    const remote = await scene.start()
    await stage(scene, remote)
    scene.link.acknowledged = 1
    await remote.confirm({ version: 1 })
    const kept = join(scene.dir, 'kept')
    const half = (await readFile(join(kept, 'state.json'), 'utf8')).slice(0, 20)
    // Half a state, half a text beside the whole ones: what a cut before each rename leaves.
    await writeFile(join(kept, 'state.json.new'), half)
    await writeFile(join(kept, 'version-2-00000000.yaml.new'), 'devices:\n  - id: ch')
    expect(await startsWith(scene)).toEqual(NEXT)
    // The disk itself was hurt.
    const [text = ''] = (await readdir(kept)).filter((name) => name.startsWith('version-1'))
    await truncate(join(kept, text), 30)
    expect(await startsWith(scene)).toEqual(FORMER)
    await writeFile(join(kept, 'state.json'), half)
    expect(await startsWith(scene)).toEqual(FORMER)
  })
})

/** Runs trials in a process of their own and kills it at any moment; answers its folder and the last version it told. */
async function killAmidTrials(afterMs: number): Promise<{ dir: string; told: number }> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'endless-trials.fixture.ts')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let text = ''
  child.stdout.on('data', (part) => {
    text += part
  })
  await eventually(() => expect(text.split('\n').length).toBeGreaterThan(3))
  await sleep(afterMs)
  child.kill('SIGKILL')
  await once(child, 'close')
  const [dir = '', ...versions] = text.split('\n').slice(0, -1)
  return { dir, told: Number(versions.at(-1)) }
}

describe('kill -9', () => {
  it('at any moment leaves the version that was confirmed, or the one before, whole', async () => {
    const killed = await Promise.all([0, 7, 15, 22].map(killAmidTrials))
    for (const { dir, told } of killed) {
      const config = await loadGatewayConfig(join(dir, 'gateway.yaml'))
      const log = createLog('after')
      log.level = 'silent'
      const options = { config, keySwitches: [], dir: join(dir, 'kept'), log }
      await using remote = await openRemoteConfig(options)
      const { version, pending } = remote.report()
      // Its last word may have died on the way to us.
      expect([told, told + 1]).toContain(version)
      expect(pending).toBeNull()
      const intervals = remote.config.devices.map(({ groups }) => groups[0]?.intervalMs)
      expect(intervals).toEqual([1000 + (version ?? 0), 1000, 1000])
      await rm(dir, { recursive: true, force: true })
    }
  })
})

describe('the file at the site', () => {
  it('counts more than the cloud once its devices were edited, or it allows no more', async () => {
    await using scene = await openSite()
    const remote = await scene.start()
    await stage(scene, remote)
    scene.link.acknowledged = 1
    await remote.confirm({ version: 1 })
    const edited = describeSite()
    edited[1]!.groups[0]!.intervalMs = 5000
    await scene.writeSite(edited)
    const after = await scene.start()
    expect(after.report()).toMatchObject({ from: 'site', last: { why: 'site-changed' } })
    expect(after.config.devices.map(({ groups }) => groups[0]?.intervalMs)).toEqual([
      1000, 5000, 1000,
    ])
    await scene.writeSite(describeSite())
    // It is gone for good: the way back is another push, not an edit undone.
    expect((await scene.start()).report().from).toBe('site')
  })
})
