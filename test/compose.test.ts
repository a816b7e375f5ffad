/** The compose file names only what exists: paths, variables, commands, flags; and Debian's docker-compose accepts it. */
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import type { Command } from 'commander'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { createProgram } from '../mimamori.ts'

const root = resolve(import.meta.dirname, '..')
const text = readFileSync(join(root, 'docker-compose.yml'), 'utf8')

interface Service {
  command?: string[]
  volumes?: string[]
  environment?: Record<string, string>
  depends_on?: Record<string, unknown> | string[]
  build?: string
}
const compose = parse(text, { merge: true }) as {
  services: Record<string, Service>
  volumes: Record<string, unknown>
}
const services = Object.entries(compose.services)

const hasDocker = spawnSync('docker-compose', ['version']).status === 0

describe('docker-compose.yml', () => {
  it.skipIf(!hasDocker)(
    'is accepted by docker-compose config (else: apt-get install docker-compose)',
    () => {
      const example = readFileSync(join(root, '.env.example'), 'utf8')
      const names = [...example.matchAll(/^([A-Z_]+)=/gm)].map((m) => m[1] as string)
      const env = Object.fromEntries(names.map((name) => [name, 'x']))
      const out = execFileSync('docker-compose', ['-f', 'docker-compose.yml', 'config'], {
        cwd: root,
        env: { PATH: process.env.PATH, ...env },
        encoding: 'utf8',
      })
      for (const [name] of services) expect(out).toContain(`${name}:`)
    },
  )

  it('mounts only paths that exist and volumes that are declared', () => {
    const broken = services.flatMap(([name, { volumes = [] }]) =>
      volumes
        .map((volume) => volume.split(':')[0] as string)
        .filter((from) =>
          from.startsWith('.') ? !existsSync(join(root, from)) : !(from in compose.volumes),
        )
        .map((from) => `${name}: ${from}`),
    )
    expect(broken).toEqual([])
  })

  it('reads only variables that .env.example explains', () => {
    const example = readFileSync(join(root, '.env.example'), 'utf8')
    const used = [...text.matchAll(/\$\{([A-Z_]+)/g)].map((m) => m[1] as string)
    expect(used.filter((name) => !new RegExp(`^${name}=`, 'm').test(example))).toEqual([])
  })

  it('sets every variable that the cloud configuration and the Grafana provisioning ask for', () => {
    const cloud = parse(readFileSync(join(root, 'deploy/cloud/cloud.yaml'), 'utf8'))
    const wanted = [
      cloud.store.urlEnv,
      cloud.hooks.grafanaTokenEnv,
      cloud.historian.tokenEnv,
    ] as string[]
    const set = compose.services.cloud?.environment ?? {}
    expect(wanted.filter((name) => !(name in set))).toEqual([])
    const provisioned = [
      'datasources/influx.yaml',
      'dashboards/mimamori.yaml',
      'alerting/contact-points.yaml',
      'alerting/rules.yaml',
    ]
    const provisioning = provisioned
      .map((file) => readFileSync(join(root, 'dashboards/provisioning', file), 'utf8'))
      .join('\n')
    const asked = [...provisioning.matchAll(/\$\{?([A-Z][A-Z_]+)\}?/g)].map((m) => m[1] as string)
    const grafana = compose.services.grafana?.environment ?? {}
    expect(asked.filter((name) => !(name in grafana))).toEqual([])
  })

  it('mounts configurations that their own checks accept', () => {
    const env = {
      ...process.env,
      ...Object.fromEntries(
        Object.keys(compose.services.cloud?.environment ?? {}).map((name) => [name, 'x']),
      ),
    }
    const checks = [
      ['cloud', 'deploy/cloud/cloud.yaml'],
      // The certificates lie in the volumes of the services, not here.
      ['edge', 'deploy/gateway/gateway.yaml', '--elsewhere'],
    ] as const
    for (const [part, file, ...flags] of checks) {
      const args = ['mimamori.ts', part, 'check', '--config', file, ...flags]
      const run = spawnSync(process.execPath, args, { cwd: root, env, encoding: 'utf8' })
      expect(`${run.stdout}${run.stderr}`).toContain('nothing wrong')
    }
  })

  it('runs only commands and flags that the command line knows', () => {
    const broken = services
      .filter(([, service]) => service.build === '.')
      .flatMap(([name, { command = [] }]) => checkCommand(name, command.map(String)))
    expect(broken).toEqual([])
  })

  it('waits only for services that are there', () => {
    const broken = services.flatMap(([name, { depends_on = [] }]) =>
      (Array.isArray(depends_on) ? depends_on : Object.keys(depends_on))
        .filter((other) => !(other in compose.services))
        .map((other) => `${name} → ${other}`),
    )
    expect(broken).toEqual([])
  })
})

function checkCommand(name: string, args: string[]): string[] {
  let command: Command = createProgram()
  const rest = [...args]
  while (rest.length > 0) {
    const next = command.commands.find((sub) => sub.name() === rest[0])
    if (!next) break
    command = next
    rest.shift()
  }
  if (!command.parent) return [`${name}: no command ${args[0]}`]
  if (command.name() === 'simulate') return checkSimulator(name, rest)
  return rest
    .filter((arg) => arg.startsWith('--'))
    .filter((flag) => !command.options.some((option) => option.long === flag))
    .map((flag) => `${name}: ${command.name()} knows no ${flag}`)
}

/** A simulator checks its flags before anything else and says what is wrong with them. */
function checkSimulator(name: string, args: string[]): string[] {
  const unknown = spawnSync(
    process.execPath,
    [join(root, 'mimamori.ts'), 'simulate', ...args, '--no-such-flag', 'x'],
    { encoding: 'utf8', cwd: dirname(root) },
  )
  const said = `${unknown.stderr}${unknown.stdout}`
  const complaints = args.filter((a) => a.startsWith('--') && said.includes(`'${a}'`))
  return unknown.status === 2
    ? complaints.map((c) => `${name}: ${c}`)
    : [`${name}: exit ${unknown.status}: ${said}`]
}
