/** A node-opcua server to load a gateway with, in a process of its own: all tags change together at an interval, by a number that counts the rounds. */
import { openOpcuaServer } from '../../simulators/kit/opcua-server.ts'
import type { OpcuaLoadStats } from './load.ts'

const [folder = '', count = '1000', intervalMs = '100'] = process.argv.slice(2)
const names = Array.from({ length: Number(count) }, (_, index) => `Tag${index}`)
const server = await openOpcuaServer({
  namespaceUri: 'urn:mimamori:bench',
  title: 'Load',
  folder,
  device: 'Load',
  variables: names.map((name) => ({ name, type: 'Int32', initial: 0 })),
  security: 'any',
})

let timer: NodeJS.Timeout | undefined
let round = 0

/** Rounds that the timer missed are made up for: the wanted rate is the wanted rate. */
function start(rounds: number): void {
  const last = round + rounds
  const from = performance.now()
  let done = 0
  timer = setInterval(() => {
    const due = Math.floor((performance.now() - from) / Number(intervalMs))
    for (; done < due && round < last; done++) setAll()
    if (round >= last) clearInterval(timer)
  }, Number(intervalMs) / 4)
}

function setAll(): void {
  round += 1
  const at = Date.now()
  for (const name of names) server.set(name, round, { at })
}

process.on('message', (message: { start?: number }) => {
  if (message.start !== undefined) start(message.start)
  else process.send?.({ reply: { rounds: round } satisfies OpcuaLoadStats })
})
process.on('disconnect', () => process.exit(0))
process.send?.({ ready: { endpoint: server.endpoint } })
