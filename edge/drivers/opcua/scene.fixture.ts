/** A folder, servers in it and drivers that trust them: what the tests of this driver share. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Value as Schema } from 'typebox/value'
import { Fault } from '../../../protocol/kit/fault.ts'
import type { DataType, Tag } from '../../../protocol/model.ts'
import {
  type OpcuaServer,
  type OpcuaServerOptions,
  openOpcuaServer,
} from '../../../simulators/kit/opcua-server.ts'
import type { Driver } from '../driver.ts'
import { createDriver, optionsSchema } from './opcua.ts'
import type { OpcuaOptions } from './options.ts'

export const NAMESPACE = 'urn:test:press'
export const never = () => new AbortController().signal

export interface Scene extends AsyncDisposable {
  readonly folder: string
  /** What drivers have told. */
  readonly said: string[]
  openServer(options?: Partial<OpcuaServerOptions>): Promise<OpcuaServer>
  /** Trusts the server opened last. */
  createDriver(port: number, options?: Record<string, unknown>, device?: string): Driver
}

export async function openScene(): Promise<Scene> {
  const folder = await mkdtemp(join(tmpdir(), 'opcua-'))
  await using stack = new AsyncDisposableStack()
  stack.defer(() => rm(folder, { recursive: true, force: true, maxRetries: 3 }))
  const said: string[] = []
  let trust: string[] = []
  const owned = stack.move()
  return {
    folder,
    said,
    async openServer(options = {}) {
      const server = owned.use(
        await openOpcuaServer({
          namespaceUri: NAMESPACE,
          title: 'Test press',
          folder: join(folder, 'server'),
          device: 'Press',
          variables: [{ name: 'Pressure', type: 'Double', initial: 1.5, writable: true }],
          security: 'any',
          ...options,
        }),
      )
      trust = [server.certificateFile]
      return server
    },
    createDriver(port, more = {}, device = 'press') {
      const context = { device, stateDir: join(folder, 'gateway', device) }
      const notice = (say: string) => void said.push(say)
      return createDriver(fillOptions(port, { trust, ...more }), { ...context, notice })
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

/** What a configuration with these members becomes. */
export function fillOptions(port: number, more: Record<string, unknown> = {}): OpcuaOptions {
  const given = {
    endpoint: `opc.tcp://127.0.0.1:${port}`,
    timeoutMs: 5000,
    publishingIntervalMs: 50,
    samplingIntervalMs: 0,
    nodeRetryMs: 200,
    ...more,
  }
  return Schema.Parse(optionsSchema, Schema.Default(optionsSchema, given))
}

/** A tag of the server's object `Press`, or at any other address. */
export function createTag(
  name: string,
  type: DataType = 'Double',
  address: Record<string, unknown> = {},
): Tag {
  const place = 'browsePath' in address ? {} : { nodeId: `nsu=${NAMESPACE};s=Press.${name}` }
  return { id: `s/g/press/${name}`, name, type, address: { ...place, ...address } }
}

/** The fault a promise is rejected with; anything else is a failure of the test. */
export async function faultOf(promise: Promise<unknown> | undefined): Promise<Fault> {
  const error = await Promise.resolve(promise).then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (!(error instanceof Fault)) throw new Error(`no fault but ${String(error)}`, { cause: error })
  return error
}
