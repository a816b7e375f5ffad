/** TEST equipment: takes turns, so that tests which run side by side do not all run at once. */

/** At most `count` hold a turn at a time; the others wait in line. */
export function createTurns(count: number) {
  const waiting: (() => void)[] = []
  let free = count
  const give = () => {
    const next = waiting.shift()
    if (next) next()
    else free += 1
  }
  return async (): Promise<Disposable> => {
    if (free > 0) free -= 1
    else await new Promise<void>((resolve) => waiting.push(resolve))
    return { [Symbol.dispose]: give }
  }
}
