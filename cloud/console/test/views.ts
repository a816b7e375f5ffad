/** TEST fixture: the plant as the API shows it: fleet, asset, alarm, case. */
import type { AlarmView, AssetDetail, CaseDetail, Fleet } from '../../../protocol/api.ts'
import { formatMessage } from '../../alarms/alarm-view.ts'
import { asset, contributions, minute, type Plant, ratioTag, site, tags, targets } from './plant.ts'

export function alarmOf(plant: Plant, caseId: string): AlarmView {
  return {
    id: 'alm_1',
    rule: `${asset}:ratio`,
    asset,
    assetName: 'Hydraulic press 1',
    site,
    state: 'active-unacked',
    shelving: 'Unshelved',
    shelvedUntil: null,
    severity: 700,
    message: formatMessage('Abnormal behaviour', { contributions, breaches: [] }),
    raisedAt: plant.faultAt + 20_000,
    clearedAt: null,
    ackedAt: null,
    ackedBy: null,
    peak: 3.7,
    contributions,
    caseId,
  }
}

export function assetOf(
  plant: Plant,
  now: number,
  openCase: string | null,
  active: number,
): AssetDetail {
  return {
    id: asset,
    site,
    name: 'Hydraulic press 1',
    kind: 'hydraulic-press',
    health: active > 0 ? 'alarm' : 'normal',
    healthReason: null,
    ratio: plant.valueAt(ratioTag, now),
    activeAlarms: active,
    openCase,
    tags: [
      ...tags.map(({ id, name, unit }) => ({
        id,
        name,
        unit,
        type: 'Double',
        latest: { tag: id, at: now - 400, value: plant.valueAt(id, now), quality: 192 },
      })),
      {
        id: 'plant/plant-gw/press-plc/Ledger',
        name: 'Ledger',
        unit: null,
        type: 'Int64',
        latest: {
          tag: 'plant/plant-gw/press-plc/Ledger',
          at: now - 700,
          value: '9007199254740993',
          integer: true,
          quality: 192,
        },
      },
      {
        id: 'plant/plant-gw/press-plc/Oil/Level',
        name: 'Oil/Level',
        unit: '%',
        type: 'Double',
        latest: {
          tag: 'plant/plant-gw/press-plc/Oil/Level',
          at: now - 200_000,
          value: 71.2,
          quality: 500,
        },
      },
      {
        id: 'plant/plant-gw/press-plc/Oil/Quality',
        name: 'Oil/Quality',
        unit: null,
        type: 'Double',
        latest: {
          tag: 'plant/plant-gw/press-plc/Oil/Quality',
          at: now - 5_000,
          value: null,
          quality: 0,
        },
      },
    ],
    model: {
      name: 'press-all-tags',
      version: '3',
      trainedRows: 4_320,
      threshold: 2.31,
      sha256: 'c0de3'.repeat(16).slice(0, 64),
      scoreTag: 'plant/cloud/press/Model/Score',
      ratioTag,
      contributions,
      filled: ['TS4'],
    },
    targets,
  }
}

export function fleetOf(plant: Plant, now: number, press: AssetDetail): Fleet {
  const gateway = { online: true, tunnel: true, software: 'mimamori 0.1.0' }
  const { tags: _tags, model: _model, targets: _targets, ...summary } = press
  return {
    now,
    sites: [
      {
        id: site,
        name: 'Kanagawa plant',
        tenant: 'Sagami Press Works',
        timeZone: 'Asia/Tokyo',
        gateways: [
          {
            site,
            id: 'plant-gw',
            title: 'Plant gateway',
            ...gateway,
            certificate: { until: now + 20 * 24 * 60 * minute, isLate: false },
            since: plant.faultAt - 60 * minute,
            devices: [
              {
                id: 'press-plc',
                online: true,
                since: plant.faultAt - 59 * minute,
                tags: 8,
                good: 6,
                stale: 1,
                bad: 1,
              },
              {
                id: 'chiller',
                online: false,
                since: plant.faultAt,
                tags: 6,
                good: 0,
                stale: 6,
                bad: 0,
              },
            ],
            gaps: [
              {
                gateway: 'plant-gw',
                from: plant.faultAt - 4 * minute,
                to: plant.faultAt - 3 * minute,
                reason: 'gateway-down',
                lost: null,
              },
            ],
          },
        ],
        assets: [
          summary,
          {
            id: 'chiller',
            site,
            name: 'Chiller 2',
            kind: 'chiller',
            health: 'unknown',
            healthReason: 'a tag of its model has no good value',
            ratio: null,
            activeAlarms: 0,
            openCase: null,
          },
        ],
      },
      {
        id: 'shop',
        name: 'Shinjuku shop',
        tenant: 'Kissa Aoi',
        timeZone: 'Asia/Tokyo',
        gateways: [
          {
            site: 'shop',
            id: 'shop-gw',
            title: 'Shop gateway',
            ...gateway,
            online: false,
            tunnel: false,
            certificate: {
              ...{ until: now + 2 * 24 * 60 * minute, isLate: true },
              problem: 'superseded',
            },
            since: now - 7 * minute,
            devices: [
              {
                id: 'pos-1',
                online: true,
                since: plant.faultAt,
                tags: 20,
                good: 20,
                stale: 0,
                bad: 0,
              },
            ],
            gaps: [],
          },
        ],
        assets: [
          {
            id: 'pos-1',
            site: 'shop',
            name: 'POS terminal 1',
            kind: 'pos-terminal',
            health: 'no-model',
            healthReason: null,
            ratio: null,
            activeAlarms: 0,
            openCase: null,
          },
        ],
      },
    ],
  }
}

/** The case of the press as it opens. */
export function caseOf(alarm: AlarmView): Omit<CaseDetail, 'recovery'> {
  return {
    id: 'cas_1',
    site,
    asset,
    assetName: 'Hydraulic press 1',
    title: alarm.message,
    state: 'reported',
    openedAt: alarm.raisedAt,
    closedAt: null,
    verifiedAt: null,
    alarms: [alarm],
    sessions: [],
    steps: [{ step: 'reported', at: alarm.raisedAt, person: null }],
    events: [{ at: alarm.raisedAt, person: null, kind: 'alarm', text: alarm.message }],
    contributions,
    targets,
    ratioTag,
    report: null,
  }
}
