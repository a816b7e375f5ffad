/** `npm run bench -- NAME [--json]`: measures one part beside a limit or a peer in the same run. */
import { Fault } from './protocol/kit/fault.ts'

type Result = object

/** Each loads its own code only when asked for. */
const benches: Record<string, () => Promise<Result>> = {
  edge: async () => await (await import('./edge/bench/bench-edge.ts')).benchEdge(),
  outbox: async () => await (await import('./edge/bench/bench-outbox.ts')).benchOutbox(),
  models: async () => await (await import('./models/bench/bench-models.ts')).benchModels(),
}

function format(value: unknown, indent = ''): string {
  if (typeof value !== 'object' || value === null) {
    return typeof value === 'number' && !Number.isInteger(value)
      ? value.toPrecision(4)
      : String(value)
  }
  return Object.entries(value)
    .map(([key, inner]) => {
      const isLeaf = typeof inner !== 'object' || inner === null
      return `${indent}${key}:${isLeaf ? ' ' : '\n'}${format(inner, `${indent}  `)}`
    })
    .join('\n')
}

async function main(): Promise<void> {
  const args = process.argv.slice(2)
  const json = args.includes('--json')
  const name = args.find((arg) => !arg.startsWith('--')) ?? ''
  const bench = benches[name]
  if (!bench) throw new Fault('bench.unknown', { name, known: Object.keys(benches).join(', ') })
  // What a peer's library says on the way is no result: a program reads the output as one JSON object.
  console.log = console.error
  const result = await bench()
  process.stdout.write(`${json ? JSON.stringify(result) : format(result)}\n`)
}

try {
  await main()
} catch (error) {
  if (!(error instanceof Fault)) throw error
  console.error(error.message)
  process.exit(2)
}
