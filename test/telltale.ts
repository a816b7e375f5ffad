/** Preloaded into a process under test: writes TELLTALE to stderr when a socket listens or connects. */
import { Server, Socket } from 'node:net'

for (const [prototype, method] of [
  [Server.prototype, 'listen'],
  [Socket.prototype, 'connect'],
] as const) {
  const real = Reflect.get(prototype, method) as (...args: unknown[]) => unknown
  Reflect.set(prototype, method, function telling(this: unknown, ...args: unknown[]) {
    process.stderr.write(`TELLTALE ${method}\n`)
    return Reflect.apply(real, this, args)
  })
}
