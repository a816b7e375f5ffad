/** Says in a person's words that a port is taken, and where to choose another one. */
import { Fault } from './fault.ts'

/** Passes the result on; a taken port becomes Fault 'port.taken', any other error stays as it is. */
export async function namePort<T>(opening: Promise<T>, flag: string): Promise<T> {
  try {
    return await opening
  } catch (error) {
    const chain = [error, (error as Error | undefined)?.cause]
    const taken = chain.find((one) => (one as NodeJS.ErrnoException)?.code === 'EADDRINUSE')
    if (!taken) throw error
    throw new Fault(
      'port.taken',
      { port: (taken as { port?: number }).port, flag },
      { cause: error },
    )
  }
}
