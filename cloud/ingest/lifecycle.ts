/** Birth and death of an edge node: tables start anew, or everything it told goes stale. */
import { nodeMetrics, readStore } from '../../protocol/sparkplug/delivery.ts'
import type { Payload } from '../../protocol/sparkplug/payload.ts'
import type { Node } from './contract.ts'
import { markStale } from './device.ts'
import { parseTargets } from './targets.ts'

/** A new session or a rebirth: every table starts anew. False when it is no valid NBIRTH. */
export function birth({ state, options }: Node, payload: Payload): boolean {
  const bdSeq = readBdSeq(payload)
  if (bdSeq === undefined) {
    options.counters.quarantined += 1
    return false
  }
  const { site, gateway } = options
  const at = options.now()
  // A rebirth repeats the number of its session: only a new session is a birth to judge by.
  const isNew = !state.online || bdSeq !== state.bdSeq
  const takeovers = isNew ? state.identity.born(bdSeq, at) : undefined
  state.bdSeq = bdSeq
  state.store = readStore(payload.metrics)
  state.broken = false
  for (const [device, known] of state.devices) state.departed.set(device, known)
  state.devices.clear()
  state.nodeAliases.clear()
  for (const { name, alias } of payload.metrics) {
    if (name !== undefined && alias !== undefined) state.nodeAliases.set(alias, name)
  }
  options.committer.restart()
  if (!state.online) {
    state.online = true
    state.since = at
    options.onNode({ kind: 'online', site, gateway, at })
  }
  if (takeovers !== undefined) {
    options.counters.contested += 1
    options.log.warn({ site, gateway, takeovers }, 'two gateways use one identity')
    options.onNode({ kind: 'contested', site, gateway, takeovers, at })
  }
  const software = textOf(payload, nodeMetrics.software)
  const targets = parseTargets(textOf(payload, nodeMetrics.targets))
  options.onNode({ kind: 'birth', site, gateway, tags: [], targets, software, at })
  return true
}

function textOf(payload: Payload, name: string): string | undefined {
  const value = payload.metrics.find((metric) => metric.name === name)?.value
  return typeof value === 'string' ? value : undefined
}

function readBdSeq(payload: Payload): number | undefined {
  const value = payload.metrics.find((metric) => metric.name === nodeMetrics.bdSeq)?.value
  return typeof value === 'bigint' || typeof value === 'number' ? Number(value) : undefined
}

/** Accepted only with the bdSeq of the current birth: anything else is the late will of an older session. */
export function die({ state, options }: Node, payload: Payload): void {
  if (!state.online || readBdSeq(payload) !== state.bdSeq) {
    options.counters.staleDeaths += 1
    return
  }
  const at = options.now()
  clearTimeout(state.timer)
  state.timer = undefined
  state.online = false
  state.since = at
  // tck-id-operational-behavior-edge-node-termination-host-action-ndeath-*: the host's own clock.
  for (const device of [...state.departed.values(), ...state.devices.values()]) {
    markStale(options, device, at)
  }
  const { site, gateway } = options
  options.onNode({ kind: 'offline', site, gateway, at })
}

/** tck-id-payloads-dbirth-order: data ends the birth sequence, so a device not born by now is gone. */
export function forgetDeparted({ state, options }: Node): void {
  for (const [device, known] of state.departed) {
    const at = options.now()
    markStale(options, known, at)
    options.onNode({
      kind: 'device-offline',
      site: options.site,
      gateway: options.gateway,
      device,
      at,
    })
  }
  state.departed.clear()
}
