/** A relay in front of a broker that writes down every packet a client sends, in order; it can cut the line. */
import { createServer, connect as dial, type Socket } from 'node:net'
import { type Packet, parser } from 'mqtt-packet'
import { decodePayload, type Payload } from '../../protocol/sparkplug/payload.ts'
import { parseTopic, type Topic } from '../../protocol/sparkplug/topic.ts'

export interface Sent {
  /** The how-manieth TCP connection it came on, from 0. */
  connection: number
  packet: Packet
  /** When it came, Unix ms. */
  at: number
}

/** A Sparkplug message among what was sent. */
export interface Message {
  connection: number
  /** Its place among all packets. */
  index: number
  topicText: string
  topic: Topic
  type: Topic['type']
  qos: number
  retain: boolean
  bytes: Buffer
  payload: Payload
}

export interface Recorder extends AsyncDisposable {
  url: string
  sent: Sent[]
  /** Connections open now. */
  open(): number
  /** The most that were ever open at once. */
  mostOpen(): number
  /** Resolves at the packet that makes the condition true. */
  when(what: string, condition: () => unknown): Promise<void>
  /** As a cut cable: no goodbye to either side. */
  cut(): void
}

const DEADLINE_MS = 45_000

export async function openRecorder(brokerUrl: string): Promise<Recorder> {
  const target = Number(new URL(brokerUrl).port)
  const sent: Sent[] = []
  const waiting = new Set<() => void>()
  const pairs = new Set<Socket>()
  let connections = 0
  let open = 0
  let mostOpen = 0
  const look = () => {
    for (const check of [...waiting]) check()
  }
  const server = createServer((near) => {
    const connection = connections++
    const far = dial(target, '127.0.0.1')
    const packets = parser({ protocolVersion: 4 })
    packets.on('packet', (packet) => {
      sent.push({ connection, packet, at: Date.now() })
      look()
    })
    mostOpen = Math.max(mostOpen, ++open)
    near.on('data', (bytes) => packets.parse(bytes))
    near.pipe(far).pipe(near)
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      pairs.add(one)
      one.on('error', () => other.destroy())
      one.on('close', () => {
        pairs.delete(one)
        other.destroy()
        if (one === near) open -= 1
        look()
      })
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  return {
    url: `mqtt://127.0.0.1:${port}`,
    sent,
    open: () => open,
    mostOpen: () => mostOpen,
    when(what, condition) {
      return new Promise((resolve, reject) => {
        const check = () => {
          if (!condition()) return
          waiting.delete(check)
          clearTimeout(timer)
          resolve()
        }
        const timer = setTimeout(() => {
          waiting.delete(check)
          reject(new Error(`never happened: ${what}`))
        }, DEADLINE_MS)
        waiting.add(check)
        check()
      })
    },
    cut() {
      for (const socket of pairs) socket.resetAndDestroy()
    },
    async [Symbol.asyncDispose]() {
      for (const socket of pairs) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** The Sparkplug messages among the packets; STATE is not among them (its payload is JSON). */
export function messagesOf(sent: readonly Sent[]): Message[] {
  return sent.flatMap(({ connection, packet }, index) => {
    if (packet.cmd !== 'publish') return []
    const topic = parseTopic(packet.topic)
    if (!topic || topic.type === 'STATE') return []
    const bytes = packet.payload as Buffer
    const { qos, retain, topic: topicText } = packet
    const payload = decodePayload(bytes)
    return { connection, index, topicText, topic, type: topic.type, qos, retain, bytes, payload }
  })
}

/** The first packet of a kind on a connection. */
export function packetOf<Kind extends Packet['cmd']>(
  sent: readonly Sent[],
  connection: number,
  kind: Kind,
): Extract<Packet, { cmd: Kind }> {
  const found = sent.find((each) => each.connection === connection && each.packet.cmd === kind)
  if (!found) throw new Error(`no ${kind} on connection ${connection}`)
  return found.packet as Extract<Packet, { cmd: Kind }>
}
