/** TEST fixture: the report of the case at the moment it closes. */
import type {
  CaseDetail,
  CaseReport,
  CloseRequest,
  RecordedExchange,
} from '../../../protocol/api.ts'
import { ratioTag, site } from './plant.ts'

export function reportOf(
  open: Omit<CaseDetail, 'recovery'>,
  exchanges: RecordedExchange[],
  closedBy: string,
  body: CloseRequest,
): CaseReport {
  const changes = exchanges
    .filter(({ method }) => method === 'POST')
    .map(({ at, method, path, requestBody, status }) => ({
      at,
      method,
      path,
      body: requestBody,
      status,
    }))
  return {
    caseId: open.id,
    title: open.title,
    site,
    asset: open.assetName,
    openedAt: open.openedAt,
    verifiedAt: open.verifiedAt,
    closedAt: open.closedAt ?? 0,
    closedBy,
    cause: body.cause,
    action: body.action,
    usefulness: body.usefulness,
    unverifiedReason: body.unverifiedReason ?? null,
    steps: open.steps,
    alarms: open.alarms,
    sessions: open.sessions.map((session) => ({
      session,
      exchanges: exchanges.length,
      recordingSha256: 'c0ffee'.repeat(10).padEnd(64, '0'),
      changes,
    })),
    tags: [
      { tag: ratioTag, name: 'Model/Ratio', unit: null, normal: 0.55, before: 3.64, after: 0.57 },
      {
        tag: 'plant/plant-gw/press-plc/Cooling/Efficiency',
        name: 'Cooling/Efficiency',
        unit: '%',
        normal: 46,
        before: 19.1,
        after: 45.8,
      },
      {
        tag: 'plant/plant-gw/press-plc/Temperature/TS1',
        name: 'Temperature/TS1',
        unit: '°C',
        normal: 38,
        before: 55.2,
        after: 38.4,
      },
    ],
  }
}
