/** Bounds what any server may make us hold in memory while a message is assembled. */
import { ClientTCP_transport } from 'node-opcua-transport'

/** A whole message and its chunks. */
const MAX_MESSAGE_BYTES = 16 * 1024 * 1024
const MAX_CHUNKS = 256
const MAX_CHUNK_BYTES = 1024 * 1024

/** What we announce; a server need not keep to it. */
export const transportSettings = {
  maxChunkCount: MAX_CHUNKS,
  maxMessageSize: MAX_MESSAGE_BYTES,
}

type Limits = Parameters<ClientTCP_transport['setLimits']>[0]

let isCapped = false

/**
 * The library takes the limits of the server's own ACK for what it accepts from that server (0: any),
 * so that a hostile one sets them itself. From here on the smaller of its and ours holds, in this process.
 */
export function capTransport(): void {
  if (isCapped) return
  isCapped = true
  const { prototype } = ClientTCP_transport
  const { setLimits } = prototype
  prototype.setLimits = function (this: ClientTCP_transport, limits: Limits) {
    setLimits.call(this, {
      receiveBufferSize: cap(limits.receiveBufferSize, MAX_CHUNK_BYTES),
      sendBufferSize: cap(limits.sendBufferSize, MAX_CHUNK_BYTES),
      maxMessageSize: cap(limits.maxMessageSize, MAX_MESSAGE_BYTES),
      maxChunkCount: cap(limits.maxChunkCount, MAX_CHUNKS),
    })
  }
}

const cap = (value: number, max: number) => (value > 0 ? Math.min(value, max) : max)
