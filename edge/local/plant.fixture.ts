/** A plant as the page sees one, whose answers the test decides and whose acts it keeps. */
import type { Act, GatewayStatus, Plant } from './plant.ts'

export interface PlantFixture extends Plant {
  acts: Act[]
  now: GatewayStatus
  /** What `perform` answers. */
  isThere: boolean
}

const DAY_MS = 86_400_000

export function createPlantFixture(): PlantFixture {
  const at = Date.now()
  const tag = (name: string, value: string, unit = '', quality = 192) => {
    return { name, value, unit, quality, at: at - 1200 }
  }
  const now: GatewayStatus = {
    ...{ site: 'kita-plant', gateway: 'gw-plant', at },
    cloud: { connected: true, since: at - DAY_MS, hostOnline: true },
    clock: { isSet: true, offsetMs: -40, isCorrected: false },
    tunnel: { connected: true, since: at - DAY_MS },
    certificate: { until: at + 20 * DAY_MS, failures: 0, problem: undefined },
    outbox: {
      ...{ batches: 3, samples: 812, bytes: 45_321, oldestAt: at - 4000, dropped: 12, waiting: 4 },
      ...{ sentLive: 812_331, sentLate: 1200 },
      gaps: {
        count: 1,
        latest: [{ from: at - 80_000, to: at - 60_000, reason: 'outbox-full', lost: 12 }],
      },
    },
    remoteAccess: { cut: false, reason: undefined, streams: 1, targets: ['Press 1'] },
    devices: [
      {
        ...{ id: 'press', driver: 'opcua', online: true, since: at - DAY_MS, sentence: undefined },
        tags: [
          tag('Pressure', '151.7', 'bar'),
          tag('Flow', '7.82', 'L/min', 500),
          tag('<b>Door</b>', '–', '', 0),
        ],
      },
      {
        ...{ id: 'printer', driver: 'escpos', online: false, since: at - 90_000 },
        sentence: 'The device at 192.168.10.9:9100 did not answer within 2000 ms.',
        tags: [tag('PaperNearEnd', 'false')],
      },
    ],
    decisions: [{ at, allowed: false, text: 'Tech (ses_1) to press-hmi: outside-schedule' }],
  }
  const session = {
    ...{ session: 'ses_2', person: 'Aoki Yui', title: 'Press 1, operator panel' },
    ...{ rights: ['view', 'control'], reason: 'Cooler fails, look at the valve settings' },
  }
  const certificate = {
    ...{ device: 'press', subject: 'CN=Press PLC, O=Acme', issuer: 'CN=Press PLC, O=Acme' },
    ...{ sha256: 'a1b2'.repeat(16), thumbprint: 'c3d4'.repeat(10), since: at - 5000 },
    ...{ validFrom: at - DAY_MS, validTo: at + 300 * DAY_MS },
  }
  const fixture: PlantFixture = {
    ...{ site: now.site, gateway: now.gateway },
    acts: [],
    now,
    isThere: true,
    status: () => fixture.now,
    targets: () => [{ title: 'Press 1, operator panel', consent: 'local' }],
    questions: () => [{ ...session, minutes: 30, askedAt: at, until: at + 500_000 }],
    sessions: () => [{ ...session, session: 'ses_3', since: at, until: at + 900_000, streams: 2 }],
    certificates: async () => [
      { ...certificate, state: 'waiting' },
      { ...certificate, sha256: 'ff00'.repeat(16), state: 'accepted' },
    ],
    events: () => [
      { at, kind: 'device-offline', what: 'printer', why: 'did not answer' },
      { at: at - 1000, kind: 'act', what: 'cut', who: 'Sato', why: 'maintenance' },
    ],
    async perform(act) {
      fixture.acts.push(act)
      return fixture.isThere
    },
  }
  return fixture
}
