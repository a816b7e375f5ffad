/** The port modbus-serial is given on every transport: its frames go out, and replies come in, only through our guard. */
import { EventEmitter } from 'node:events'
import type modbusSerial from 'modbus-serial'

export type Client = InstanceType<typeof modbusSerial.default>

/** Holds the one frame the library has written (unit, PDU, checksum) until the transport takes it. */
export class LibraryPort extends EventEmitter {
  readonly isOpen = true
  #frame: Buffer | undefined

  open(done: () => void): void {
    done()
  }

  write(frame: Buffer): void {
    this.#frame = Buffer.from(frame)
  }

  takeFrame(): Buffer | undefined {
    const frame = this.#frame
    this.#frame = undefined
    return frame
  }

  /** A reply that was judged: unit, PDU, checksum. */
  answer(frame: Buffer): void {
    this.emit('data', frame)
  }
}

/** A client of the library on a port of ours; imported when it is first needed, for a TCP device that is only read never does. */
export async function loadClient(port: LibraryPort): Promise<Client> {
  const { default: library } = await import('modbus-serial')
  const client = new library.default(port)
  // Without a listener the library would crash us.
  client.on('error', () => {})
  client.open()
  return client
}
