/** How long the machine has been up: time that no step of the wall clock touches, good until the next boot. */
import { readFileSync } from 'node:fs'

export interface Uptime {
  /** Names this boot of the machine; empty where the system does not say. */
  boot: string
  /** Monotonic, ms. */
  ms: number
}

const boot = readBoot()

export function readUptime(): Uptime {
  return { boot, ms: Number(process.hrtime.bigint() / 1_000_000n) }
}

function readBoot(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  } catch {
    return ''
  }
}

/** From then to now, ms; undefined when the machine was started anew in between. */
export function elapsedMs(then: Uptime | undefined, now: Uptime): number | undefined {
  return then && then.boot !== '' && then.boot === now.boot ? now.ms - then.ms : undefined
}
