/** How much goes into one request to a server: what the driver asks at most, and less where the server finds it too much. */
import { Fault } from '../../../protocol/kit/fault.ts'

/** What a server was found to take in one request; falls while the session lasts. */
export interface PartSize {
  most: number
}

export interface PartSizes {
  read: PartSize
  monitor: PartSize
  paths: PartSize
  browse: PartSize
}

/** Small controllers take a hundred of anything, or fewer: that is learned from their refusals, whatever they announce. */
export function createPartSizes(): PartSizes {
  return {
    read: { most: 500 },
    monitor: { most: 500 },
    paths: { most: 200 },
    browse: { most: 100 },
  }
}

/** Service results after which a smaller request may be answered (Part 4, 7.39.2). */
const TOO_MUCH: ReadonlySet<number> = new Set([
  0x80100000, // BadTooManyOperations
  0x80080000, // BadEncodingLimitsExceeded
  0x80b80000, // BadRequestTooLarge
  0x80b90000, // BadResponseTooLarge
])

/** Others that the line is not to blame for: asked again at once they would be answered the same. */
const REFUSALS: ReadonlySet<number> = new Set([
  ...TOO_MUCH,
  0x800b0000, // BadServiceUnsupported
  0x801f0000, // BadUserAccessDenied
  0x80770000, // BadTooManySubscriptions
  0x80db0000, // BadTooManyMonitoredItems
])

/** Sends one part after the other, one result an item; a part that is too much for the server is halved, and so is all that follows. */
export async function sendInParts<T, R>(
  items: readonly T[],
  { size, endpoint, send }: PartOrder<T, R>,
): Promise<R[]> {
  const results: R[] = []
  while (results.length < items.length) {
    const part = items.slice(results.length, results.length + size.most)
    try {
      const answers = await send(part)
      if (answers.length !== part.length) {
        const problem = `${answers.length} results instead of ${part.length}`
        throw new Fault('driver.foreign-reply', { endpoint, problem })
      }
      results.push(...answers)
    } catch (error) {
      if (part.length < 2 || !TOO_MUCH.has(findServiceResult(error)?.value ?? 0)) throw error
      size.most = part.length >> 1
    }
  }
  return results
}

export interface PartOrder<T, R> {
  size: PartSize
  endpoint: string
  send(part: readonly T[]): Promise<readonly R[]>
}

/** What a failed call of the library is to the link: a refusal of the server in its own word, or a lost line. */
export function toCallFault(error: unknown, endpoint: string): Fault {
  const result = findServiceResult(error)
  return result && REFUSALS.has(result.value)
    ? new Fault('driver.refused', { endpoint, reason: result.name }, { cause: error })
    : new Fault('driver.disconnected', { endpoint }, { cause: error })
}

interface ServiceResult {
  value: number
  name: string
}

/** The library keeps the server's answer at its error; a fault of ours has that as its cause. */
function findServiceResult(error: unknown): ServiceResult | undefined {
  const from = error instanceof Fault ? error.cause : error
  const { response } = (from ?? {}) as {
    response?: { responseHeader?: { serviceResult?: ServiceResult } }
  }
  return response?.responseHeader?.serviceResult
}
