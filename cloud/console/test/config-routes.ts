/** TEST fixture: the part of the API about the configuration of a gateway, in memory: one refused, one on trial, one confirmed. */
import type { FastifyInstance } from 'fastify'
import * as api from '../../../protocol/api-gateway-config.ts'
import { body, checked, person, Refused } from './contract.ts'

const device = (id: string, tags: number) => `  - id: ${id}
    driver: modbus
    host: 10.0.0.5
    groups:
      - name: all
        intervalMs: 1000
        tags:
${Array.from({ length: tags }, (_, i) => `          - { name: Tag${i + 1}, type: UInt16, table: holding, address: ${i}, encoding: uint16, description: 'Register ${i} of the machine, as its manual calls it' }`).join('\n')}
`
const present = `devices:\n${device('press-plc', 24)}${device('chiller', 12)}`
const hash = 'c0ffee'.repeat(11).slice(0, 64)

const diff: api.ConfigDiff = {
  added: [{ device: 'pump', tags: 4 }],
  removed: [{ device: 'old-meter', tags: 2 }],
  changed: [
    {
      device: 'chiller',
      settings: [
        { name: 'all.intervalMs', from: '1000', to: '500' },
        { name: 'timeoutMs', from: '', to: '3000' },
      ],
      tagsAdded: ['Flow'],
      tagsRemoved: ['Level'],
      tagsChanged: [{ tag: 'Supply', what: ['deadband', 'unit'] }],
    },
  ],
  untouched: ['press-plc'],
}

/** What the gateway's check says: each line with a `!` is wrong. */
function problemsOf(yaml: string): api.ConfigProblemView[] {
  return yaml.split('\n').flatMap((text, index) =>
    text.includes('!')
      ? [
          {
            line: index + 1,
            path: 'devices[0].groups[0].tags[3].unti',
            say: 'unknown key, did you mean "unit"?',
          },
        ]
      : [],
  )
}

function versionOf(now: number, more: Partial<api.ConfigVersionSummary>): api.ConfigVersionSummary {
  return {
    ...{ version: 1, state: 'confirmed', reason: '', createdBy: 'site', createdAt: now - 9e7 },
    ...{ at: now - 9e7, sentBy: null, sentAt: null, confirmBefore: null, why: null, say: null },
    ...{ problems: [], diff: null, ...more },
  }
}

function createConfigStory(now: number) {
  const sent = { createdBy: 'engineer', sentBy: 'engineer', sentAt: now - 60_000, at: now - 50_000 }
  const refused = { why: 'invalid', say: '1 problem(s)', problems: problemsOf('\n\n!') } as const
  const versions = [
    versionOf(now, { ...sent, version: 3, state: 'refused', reason: 'Unit of a tag', ...refused }),
    versionOf(now, { ...sent, version: 2, reason: 'Poll the chiller faster', diff }),
    versionOf(now, {}),
  ]
  let draft: api.GatewayConfigView['draft'] = null
  return {
    view: (site: string, gateway: string): api.GatewayConfigView => ({
      ...{ site, gateway, reachable: site === 'plant', versions, draft },
      present: {
        ...{ hash, from: 'cloud', version: 2, yaml: present, allowed: true, readAt: now },
      },
    }),
    save(yaml: string, login: string) {
      const version = versionOf(Date.now(), { version: 4, state: 'draft', createdBy: login })
      draft = { ...version, yaml, base: hash }
    },
    send(login: string, { reason }: api.SendConfigRequest) {
      if (!draft) throw new Refused(409, 'There is no draft.')
      draft = null
      const at = Date.now()
      const confirmBefore = at + 120_000
      const state = { state: 'applied', sentBy: login, sentAt: at, at, confirmBefore } as const
      versions.unshift(versionOf(at, { ...state, version: 4, createdBy: login, reason, diff }))
    },
    cancel() {
      draft = null
      const [newest] = versions
      if (newest?.state === 'applied')
        Object.assign(newest, { state: 'reverted', why: 'cancelled' })
    },
  }
}

export function addConfigs(app: FastifyInstance): void {
  const story = createConfigStory(Date.now())
  const root = '/api/gateways/:site/:gateway/configuration'
  type OfGateway = { Params: { site: string; gateway: string; version: string } }
  const view = ({ site, gateway }: OfGateway['Params']) =>
    checked(api.GatewayConfigView, story.view(site, gateway))
  app.get<OfGateway>(root, (request) => {
    person(request, 'gateway.configure')
    return view(request.params)
  })
  app.get<OfGateway>(`${root}/versions/:version`, (request) => {
    const { versions } = story.view('plant', 'plant-gw')
    const found = versions.find(({ version }) => version === Number(request.params.version))
    return checked(api.ConfigVersionView, { ...found, yaml: present })
  })
  app.post<OfGateway>(`${root}/check`, (request) => {
    const problems = problemsOf(body(api.ConfigText, request).yaml)
    return checked(api.ConfigCheckView, { problems, diff: problems.length > 0 ? null : diff })
  })
  const acts: Record<string, (request: Parameters<typeof person>[0], login: string) => void> = {
    draft: (request, login) => story.save(body(api.ConfigText, request).yaml, login),
    send: (request, login) => story.send(login, body(api.SendConfigRequest, request)),
    cancel: (request) => {
      body(api.CancelConfigRequest, request)
      story.cancel()
    },
    restore: (request, login) => {
      body(api.RestoreConfigRequest, request)
      story.save(present, login)
    },
  }
  for (const [name, act] of Object.entries(acts)) {
    app.post<OfGateway>(`${root}/${name}`, (request) => {
      act(request, person(request, 'gateway.configure').login)
      return view(request.params)
    })
  }
}
