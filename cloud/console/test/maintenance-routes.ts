/** TEST fixture: planned maintenance in memory: one is over, one was cancelled, one is to come; what is entered may run at once. */
import type { FastifyInstance } from 'fastify'
import * as api from '../../../protocol/api-maintenance.ts'
import { body, checked, person, Refused } from './contract.ts'
import { asset, minute, site } from './plant.ts'
import type { Story } from './story.ts'

const hour = 60 * minute

function windowOf(
  now: number,
  more: Partial<api.MaintenanceWindow> & { from: number; to: number },
): api.MaintenanceWindow {
  return {
    ...{ id: 'mnt_0', site, asset, assetName: 'Hydraulic press 1', text: 'Oil and filter changed' },
    ...{ state: 'over', enteredAt: now - 40 * hour, enteredBy: 'Mika Manager', afterwards: false },
    ...{ endedAt: null, endedBy: null, cancelledAt: null, cancelledBy: null, ...more },
  }
}

export function createMaintenanceStory(now: number, story: Story) {
  const windows = [
    windowOf(now, {
      ...{ id: 'mnt_1', from: now - 30 * hour, to: now - 26 * hour },
      ...{ endedAt: now - 27 * hour, endedBy: '田中 一郎' },
    }),
    windowOf(now, {
      ...{ id: 'mnt_2', from: now - 50 * hour, to: now - 49 * hour, state: 'cancelled' },
      ...{ text: 'Calibration of the pressure sensors', afterwards: true, assetName: null },
      ...{ asset: null, cancelledAt: now - 39 * hour, cancelledBy: 'Erika Engineer' },
    }),
    windowOf(now, {
      ...{ id: 'mnt_3', from: now + 20 * hour, to: now + 28 * hour, state: 'planned' },
      ...{ text: 'Yearly inspection of the press', enteredBy: 'Erika Engineer' },
    }),
  ]
  const find = (id: string) => {
    const found = windows.find((window) => window.id === id)
    if (!found) throw new Refused(404, 'There is nothing here under this name.')
    return found
  }
  const mark = (): api.MaintenanceMark | undefined => {
    const running = windows.find(({ state }) => state === 'running')
    if (!running) return undefined
    return { id: running.id, text: running.text, until: running.to, by: running.enteredBy }
  }
  /** What the cloud would do with the alarm. */
  const apply = () => {
    const work = mark()
    if (work) story.alarm.outOfService = work
    else delete story.alarm.outOfService
  }
  return {
    mark,
    list(): api.MaintenanceList {
      const of = (...states: string[]) => windows.filter(({ state }) => states.includes(state))
      const past = of('over', 'cancelled')
      return { now: Date.now(), running: of('running'), planned: of('planned'), past }
    },
    enter(wanted: api.MaintenanceRequest, enteredBy: string) {
      const at = Date.now()
      const state = wanted.to <= at ? 'over' : wanted.from <= at ? 'running' : 'planned'
      const { asset: machine, ...rest } = wanted
      const named = machine === null ? { asset: null, assetName: null } : { asset: machine }
      const own = { id: `mnt_${windows.length + 1}`, enteredBy, enteredAt: at, state } as const
      const made = windowOf(at, { ...own, ...rest, ...named, afterwards: state === 'over' })
      windows.push(made)
      apply()
      return made
    },
    end(id: string, endedBy: string) {
      Object.assign(find(id), { state: 'over', endedAt: Date.now(), endedBy })
      apply()
      return find(id)
    },
    extend(id: string, to: number) {
      find(id).to = to
      apply()
      return find(id)
    },
    cancel(id: string, cancelledBy: string) {
      return Object.assign(find(id), { state: 'cancelled', cancelledAt: Date.now(), cancelledBy })
    },
  }
}
export type MaintenanceStory = ReturnType<typeof createMaintenanceStory>

export function addMaintenance(app: FastifyInstance, maintenance: MaintenanceStory): void {
  const root = '/api/maintenance'
  type OfWindow = { Params: { id: string } }
  const answer = (window: api.MaintenanceWindow) => checked(api.MaintenanceWindow, window)
  app.get(root, () => checked(api.MaintenanceList, maintenance.list()))
  app.post(root, (request) => {
    const { name } = person(request, 'maintenance.plan')
    return answer(maintenance.enter(body(api.MaintenanceRequest, request), name))
  })
  app.post<OfWindow>(`${root}/:id/end`, (request) =>
    answer(maintenance.end(request.params.id, person(request, 'maintenance.plan').name)),
  )
  app.post<OfWindow>(`${root}/:id/extend`, (request) => {
    person(request, 'maintenance.plan')
    return answer(maintenance.extend(request.params.id, body(api.ExtendRequest, request).to))
  })
  app.post<OfWindow>(`${root}/:id/cancel`, (request) => {
    body(api.CancelMaintenanceRequest, request)
    return answer(maintenance.cancel(request.params.id, person(request, 'maintenance.plan').name))
  })
}
