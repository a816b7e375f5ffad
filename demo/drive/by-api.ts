/** Plays the story over the HTTP API, for machines without a browser: the same steps, the same assertions. */
import assert from 'node:assert/strict'
import type {
  AlarmList,
  Fleet,
  OpenedSession,
  SessionList,
  SessionView,
} from '../../protocol/api.ts'
import { type HmiPage, openHmi } from './api-hmi.ts'
import { type Api, openApi } from './api-login.ts'
import { createClosing, readCase } from './api-reading.ts'
import type { Cast } from './cast.ts'
import { until } from './narrator.ts'
import { type Player, PRESS, patience, texts, type Visiting, type Watching } from './story.ts'

type AssetSummary = Fleet['sites'][number]['assets'][number]

/** What the three have found out so far. */
export interface Stage {
  url: string
  engineer: Api
  technician: Api
  manager: Api
  caseId: string
  sessionId: string
}

export async function openApiPlayer({ url, logins }: Cast): Promise<Player> {
  const stage: Stage = {
    url,
    engineer: await openApi(url, logins.engineer),
    technician: await openApi(url, logins.technician),
    manager: await openApi(url, logins.manager),
    caseId: '',
    sessionId: '',
  }
  return {
    ...createWatching(stage),
    ...createVisiting(stage),
    ...createClosing(stage),
    keepEvidence: async () => [],
    async [Symbol.asyncDispose]() {
      const { engineer, technician, manager } = stage
      await Promise.all([engineer, technician, manager].map((person) => person.logOut()))
    },
  }
}

interface Wish {
  wish: string
  patienceMs: number
  is(asset: AssetSummary): boolean
}

async function seePress({ engineer }: Stage, { wish, patienceMs, is }: Wish) {
  return await until<AssetSummary>(wish, patienceMs, async () => {
    const { sites } = await engineer.get<Fleet>('/api/fleet')
    const press = sites.flatMap(({ assets }) => assets).find(({ name }) => name === PRESS)
    if (press && is(press)) return { found: press }
    return { notYet: `health ${press?.health}, ratio ${press?.ratio}` }
  })
}

function createWatching(stage: Stage): Watching {
  const { engineer } = stage
  return {
    async seeAllGood() {
      return await until<string>('good data of every device', patience.devicesGoodMs, async () => {
        const { sites } = await engineer.get<Fleet>('/api/fleet')
        const devices = sites.flatMap(({ gateways }) => gateways.flatMap((each) => each.devices))
        const poor = devices.filter((d) => !d.online || d.good === 0 || d.good < d.tags)
        if (devices.length === 5 && poor.length === 0) {
          return { found: devices.map(({ id, good }) => `${id} ${good}`).join(', ') }
        }
        return { notYet: `${devices.length} device(s), not good: ${poor.map(({ id }) => id)}` }
      })
    },
    async seeNormal() {
      const press = await seePress(stage, {
        wish: 'a normal score',
        patienceMs: patience.normalMs,
        is: (asset) => {
          return asset.health === 'normal' && asset.ratio !== null && asset.ratio < 1
        },
      })
      return `ratio ${press.ratio?.toFixed(2)}`
    },
    async seeScoreRise() {
      const press = await seePress(stage, {
        wish: 'the fault',
        patienceMs: patience.faultMs,
        is: ({ ratio }) => (ratio ?? 0) > 1,
      })
      return `ratio ${press.ratio?.toFixed(2)}`
    },
    async seeCase() {
      const press = await seePress(stage, {
        wish: 'the case',
        patienceMs: patience.pageMs,
        is: ({ openCase }) => !!openCase,
      })
      stage.caseId = press.openCase ?? ''
      const { contributions, title } = await readCase(stage)
      assert.ok(contributions.length > 0, 'the case names no tag')
      return `"${title}"; ${contributions.map(({ name }) => name).join(', ')}`
    },
    async acknowledge() {
      const { alarms } = await readCase(stage)
      const [alarm] = alarms
      assert.ok(alarm, 'the case has no alarm')
      await engineer.post(`/api/alarms/${alarm.id}/acknowledge`, {})
      const after = (await readCase(stage)).alarms.find(({ id }) => id === alarm.id)
      assert.equal(after?.state, 'active-acked')
      return `acknowledged by ${after.ackedBy}`
    },
    async seeRatioFall() {
      const press = await seePress(stage, {
        wish: 'recovery',
        patienceMs: patience.recoveryMs,
        is: ({ ratio }) => {
          return ratio !== null && ratio < 1
        },
      })
      return `ratio ${press.ratio?.toFixed(2)}`
    },
    async seeAlarmClear() {
      return await until<string>('the end of the alarm', patience.recoveryMs, async () => {
        const { alarms } = await engineer.get<AlarmList>('/api/alarms?state=all')
        const own = alarms.find((alarm) => alarm.caseId === stage.caseId)
        if (own?.state === 'normal') return { found: `peak ${own.peak?.toFixed(1)} × limit` }
        return { notYet: `it is ${own?.state}` }
      })
    },
  }
}

function createVisiting(stage: Stage): Visiting {
  const { technician, manager } = stage
  let hmi: HmiPage | undefined
  return {
    async requestAccess() {
      const { targets } = await readCase(stage)
      const [target] = targets
      assert.ok(target, 'the site allows access to nothing')
      const session = await technician.post<SessionView>('/api/sessions', {
        caseId: stage.caseId,
        gateway: target.gateway,
        target: target.id,
        reason: texts.reason,
        minutes: texts.minutes,
        rights: ['view', 'control'],
      })
      stage.sessionId = session.id
      assert.equal(session.state, 'requested')
      return `${session.targetTitle}, ${session.minutes} minutes`
    },
    async approve() {
      const { sessions } = await manager.get<SessionList>('/api/sessions?state=open')
      const request = sessions.find(({ id }) => id === stage.sessionId)
      assert.ok(request, 'the request is not in the list')
      assert.equal(request.reason, texts.reason)
      assert.equal(request.minutes, texts.minutes)
      const after = await manager.post<SessionView>(`/api/sessions/${stage.sessionId}/approve`, {
        note: texts.note,
      })
      assert.equal(after.state, 'approved')
      return `${request.person.name} wants ${request.targetTitle} for ${request.minutes} minutes`
    },
    async openSession() {
      const opened = await technician.post<OpenedSession>(
        `/api/sessions/${stage.sessionId}/open`,
        {},
      )
      hmi = await openHmi(opened.url)
      assert.notEqual(new URL(opened.url).origin, new URL(stage.url).origin)
      const view = await hmi.state()
      return `"${view.title}", status "${view.status.text}", from an origin of its own`
    },
    async mend() {
      assert.ok(hmi, 'no session is open')
      let view = await hmi.command('switch-to-spare')
      const reset = view.buttons.find(({ action }) => action === 'reset-fault')
      if (reset?.isEnabled) view = await hmi.command('reset-fault')
      const cooler = view.tiles.find(({ label }) => label === 'Cooler in service')
      assert.equal(cooler?.value, 'spare')
      return `cooler in service: ${cooler.value}${reset?.isEnabled ? ', fault reset' : ''}`
    },
    async endSession() {
      const after = await technician.post<SessionView>(`/api/sessions/${stage.sessionId}/end`, {})
      assert.equal(after.state, 'ended')
      return `${after.endReason}`
    },
  }
}
