/** The rules of the house that a machine can hold: who imports whom, sizes, cycles, names, READMEs, faults. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { faults } from '../protocol/kit/fault.ts'

const root = resolve(import.meta.dirname, '..')
const SKIPPED = new Set(['node_modules', 'dist', 'data', 'generated', '.git'])
/** A file over this has two reasons to change; the two tables that must be one page are the exception. */
const MAX_LINES = 250
const LONGER: Record<string, number> = {
  'protocol/api.ts': 490,
  'protocol/api-models.ts': 320,
  'protocol/kit/fault.ts': 400,
}

interface Source {
  path: string
  text: string
  imports: { specifier: string; target: string | undefined; typeOnly: boolean }[]
}

function listFiles(folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`
    if (entry.isDirectory()) return SKIPPED.has(entry.name) ? [] : listFiles(path)
    return /\.tsx?$/.test(entry.name) ? [path] : []
  })
}

function readSource(path: string): Source {
  const text = readFileSync(join(root, path), 'utf8')
  const pattern = /(?:^|\n)\s*(import|export)\s+(type\s+)?(?:[^'"`;]*?\sfrom\s+)?['"]([^'"]+)['"]/g
  const imports = [...text.matchAll(pattern)].map((m) => ({
    specifier: m[3] as string,
    typeOnly: m[2] !== undefined,
    target: m[3]?.startsWith('.') ? relative(root, resolve(root, dirname(path), m[3])) : undefined,
  }))
  for (const m of text.matchAll(/import\(\s*['"]([^'"]+)['"]\s*\)/g)) {
    const specifier = m[1] as string
    const target = specifier.startsWith('.')
      ? relative(root, resolve(root, dirname(path), specifier))
      : undefined
    imports.push({ specifier, target, typeOnly: false })
  }
  return { path, text, imports }
}

const sources = listFiles('').map(readSource)
const isTest = (path: string) =>
  /\.(test|fixture)\.tsx?$/.test(path) || path.startsWith('test/') || /(^|\/)test\//.test(path)
const product = sources.filter((source) => !isTest(source.path))

/** Who may import whom: folder → prefixes. A folder always imports itself. The first row that fits counts. */
const table: [folder: string, allowed: string[]][] = [
  ['protocol/', []],
  ['edge/drivers/', ['protocol/', 'edge/drivers/driver.ts', 'edge/drivers/conformance']],
  ['edge/acquisition/', ['protocol/', 'edge/drivers/driver.ts', 'edge/readings.ts']],
  ['edge/outbox/', ['protocol/', 'edge/readings.ts']],
  ['edge/uplink/', ['protocol/', 'edge/outbox/', 'edge/readings.ts']],
  ['edge/tunnel/', ['protocol/']],
  ['edge/local/', ['protocol/']],
  [
    'edge/config.ts',
    ['edge/device-config.ts', 'protocol/', 'edge/drivers/', 'edge/acquisition/', 'edge/tunnel/'],
  ],
  ['edge/device-config.ts', ['protocol/', 'edge/drivers/', 'edge/counters/counter-schema.ts']],
  [
    'edge/config-schema/',
    [
      'protocol/',
      'edge/config.ts',
      'edge/device-config.ts',
      'edge/credentials.ts',
      'edge/drivers/',
      'edge/tunnel/policy.ts',
    ],
  ],
  [
    'edge/explore/',
    [
      'protocol/',
      'edge/config.ts',
      'edge/device-config.ts',
      'edge/drivers/',
      'edge/acquisition/condition.ts',
      'edge/config-schema/format-devices.ts',
    ],
  ],
  [
    'edge/import/',
    ['protocol/', 'edge/config-schema/format-devices.ts', 'edge/drivers/modbus/address-schema.ts'],
  ],
  ['edge/writing/', ['protocol/', 'edge/drivers/driver.ts']],
  ['edge/counters/', ['protocol/']],
  ['edge/renewal/', ['protocol/', 'edge/credentials.ts']],
  [
    'edge/remote-config/',
    ['protocol/', 'edge/config.ts', 'edge/device-config.ts', 'edge/config-schema/'],
  ],
  ['edge/', ['protocol/', 'edge/']],
  ['cloud/historian/', ['protocol/']],
  ['cloud/broker/', ['protocol/']],
  ['cloud/store/', ['protocol/']],
  ['cloud/audit/', ['protocol/', 'cloud/store/']],
  ['cloud/ingest/', ['protocol/', 'cloud/store/', 'cloud/audit/']],
  [
    'cloud/alarms/',
    [
      'protocol/',
      'cloud/store/',
      'cloud/audit/',
      'cloud/identity/policy.ts',
      'models/train/persistence.ts',
    ],
  ],
  ['cloud/scoring/', ['protocol/', 'cloud/store/', 'cloud/audit/', 'models/']],
  ['cloud/cases/', ['protocol/', 'cloud/store/', 'cloud/audit/', 'cloud/identity/policy.ts']],
  ['cloud/registry/', ['protocol/', 'cloud/store/', 'cloud/audit/', 'models/']],
  ['cloud/training/', ['protocol/', 'cloud/store/', 'cloud/audit/', 'models/']],
  ['cloud/explanation/', ['protocol/', 'cloud/store/', 'cloud/audit/', 'models/']],
  ['cloud/feedback/', ['protocol/', 'cloud/store/', 'cloud/audit/', 'models/']],
  ['cloud/wear/', ['protocol/', 'cloud/store/', 'cloud/audit/', 'models/']],
  ['cloud/gateway-config/', ['protocol/', 'cloud/store/', 'cloud/audit/']],
  ['cloud/maintenance/', ['protocol/', 'cloud/store/', 'cloud/audit/']],
  ['cloud/sessions/', ['protocol/', 'cloud/store/', 'cloud/audit/', 'cloud/identity/policy.ts']],
  ['cloud/identity/', ['protocol/', 'cloud/store/', 'cloud/audit/']],
  ['cloud/fleet/', ['protocol/', 'cloud/store/', 'cloud/audit/', 'models/peers/peer-outliers.ts']],
  [
    'cloud/http/',
    [
      'protocol/',
      'cloud/store/',
      'cloud/audit/',
      'cloud/alarms/',
      'cloud/cases/',
      'cloud/sessions/',
      'cloud/identity/',
      'cloud/fleet/',
      'cloud/historian/',
      'cloud/scoring/',
      'cloud/registry/',
      'cloud/training/',
      'cloud/explanation/',
      'cloud/feedback/',
      'cloud/wear/',
      'cloud/gateway-config/',
      'cloud/maintenance/',
    ],
  ],
  ['cloud/console/', ['protocol/api', 'protocol/model.ts', 'protocol/states.ts']],
  ['cloud/', ['protocol/', 'cloud/', 'models/']],
  [
    'models/bench/',
    ['protocol/', 'models/', 'simulators/machines/', 'simulators/kit/seeded-random.ts'],
  ],
  ['models/', ['protocol/']],
  ['dashboards/', ['protocol/', 'cloud/historian/influx-names.ts']],
  ['simulators/', ['protocol/']],
  ['demo/', ['protocol/', 'cloud/', 'edge/', 'simulators/']],
  ['mimamori.ts', ['protocol/', 'cloud/', 'edge/', 'models/', 'simulators/', 'demo/']],
  ['bench.ts', ['']],
  ['vite.config.ts', []],
  ['vitest.config.ts', []],
]

describe('imports', () => {
  it('follow the table of who may import whom', () => {
    const broken: string[] = []
    for (const source of product) {
      const row = table.find(([folder]) => source.path.startsWith(folder))
      if (!row) {
        broken.push(`${source.path}: its folder is not in the table`)
        continue
      }
      const own = source.path.startsWith('edge/drivers/')
        ? `${source.path.split('/').slice(0, 3).join('/')}`
        : row[0]
      for (const { target } of source.imports) {
        if (target === undefined) continue
        const allowed = [own, ...row[1]].some((prefix) => target.startsWith(prefix))
        const registry = source.path === 'edge/drivers/registry.ts'
        if (!allowed && !(registry && target.startsWith('edge/drivers/'))) {
          broken.push(`${source.path} imports ${target}`)
        }
      }
    }
    expect(broken).toEqual([])
  })

  it('name existing files with their ending, and built-ins with node:', () => {
    const builtins =
      /^(fs|path|net|tls|http|http2|https|crypto|os|stream|events|util|url|zlib|timers|worker_threads|child_process|readline)(\/|$)/
    const broken = sources.flatMap(({ path, imports }) =>
      imports
        .filter(({ specifier, target }) =>
          target === undefined
            ? builtins.test(specifier)
            : !existsSync(join(root, target.replace(/\?.*$/, ''))),
        )
        .map(({ specifier }) => `${path}: ${specifier}`),
    )
    expect(broken).toEqual([])
  })

  it('make no cycle', () => {
    const graph = new Map(
      sources.map(({ path, imports }) => [
        path,
        imports.filter((i) => !i.typeOnly).flatMap((i) => (i.target ? [i.target] : [])),
      ]),
    )
    const done = new Set<string>()
    const cycles: string[] = []
    const visit = (path: string, trail: string[]): void => {
      if (trail.includes(path)) {
        cycles.push([...trail.slice(trail.indexOf(path)), path].join(' → '))
        return
      }
      if (done.has(path)) return
      for (const next of graph.get(path) ?? []) visit(next, [...trail, path])
      done.add(path)
    }
    for (const path of graph.keys()) visit(path, [])
    expect(cycles).toEqual([])
  })

  it('keep the heavy OPC UA libraries out of the gateway until a device needs them', () => {
    const eager = product
      .filter(({ path }) => path.startsWith('edge/'))
      .flatMap(({ path, imports }) =>
        imports.filter((i) => i.specifier === 'node-opcua').map(() => path),
      )
    expect(eager).toEqual([])
  })
})

describe('files', () => {
  it('stay short enough to read in one sitting', () => {
    const long = product
      .map(({ path, text }) => ({ path, lines: text.trimEnd().split('\n').length }))
      .filter(({ path, lines }) => lines > (LONGER[path] ?? MAX_LINES))
      .map(({ path, lines }) => `${path}: ${lines} lines`)
    expect(long).toEqual([])
  })

  it('open with one sentence and are named for what they export', () => {
    const vague = /(^|\/)(utils?|helpers?|common|misc|manager|index)\.tsx?$/
    const broken = sources.flatMap(({ path, text }) => [
      ...(vague.test(path) ? [`${path}: says nothing`] : []),
      ...(/(^|\/)[a-z0-9]+(-[a-z0-9]+)*(\.(test|config|fixture))?\.tsx?$/.test(path)
        ? []
        : [`${path}: not kebab-case`]),
      ...(/^(#!.*\n)?\s*(\/\*\*|\/\/)/.test(text) ? [] : [`${path}: no opening sentence`]),
    ])
    expect(broken).toEqual([])
  })

  it('have no default export and no re-export', () => {
    const broken = product
      .filter(({ path }) => !/^vite(st)?\.config\.ts$/.test(path))
      .filter(({ text }) => /^export default|^export \*/m.test(text))
      .map(({ path }) => path)
    expect(broken).toEqual([])
  })

  it('have a README in every room of the map', () => {
    const depthOf = ([first, second]: string[]): number => {
      if (first === 'edge' && second === 'drivers') return 3
      return ['protocol', 'edge', 'cloud'].includes(first ?? '') ? 2 : 1
    }
    const rooms = new Set(
      product
        .map(({ path }) => path.split('/').slice(0, -1))
        .filter((parts) => parts.length > 0)
        .map((parts) => parts.slice(0, depthOf(parts)).join('/')),
    )
    const missing = [...rooms].filter((room) => !existsSync(join(root, room, 'README.md')))
    expect(missing).toEqual([])
  })
})

describe('faults', () => {
  const codes = Object.keys(faults)

  it('are all thrown somewhere', () => {
    const code = product
      .filter(({ path }) => path !== 'protocol/kit/fault.ts')
      .map(({ text }) => text)
      .join('\n')
    expect(codes.filter((name) => !code.includes(`'${name}'`))).toEqual([])
  })

  it('are all documented, with what to do', () => {
    const page = readFileSync(join(root, 'protocol/kit/README.md'), 'utf8')
    expect(codes.filter((name) => !page.includes(`\`${name}\``))).toEqual([])
    const written = [...page.matchAll(/^\| `([a-z]+[.a-z-]*)` /gm)].map((m) => m[1])
    expect(written.filter((name) => !codes.includes(name as string))).toEqual([])
  })

  it('say what happened with names from their detail only', () => {
    const odd = Object.entries(faults).filter(([, { say }]) => !/[.?!)]$/.test(say))
    expect(odd).toEqual([])
  })
})
