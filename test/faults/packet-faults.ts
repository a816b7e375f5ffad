/** F04 and F07b: packets of one port lost in the kernel, some or all; it takes root and nftables. */
import { spawnSync } from 'node:child_process'
import type { Bench } from './bench.ts'
import { runOutage } from './edge-link-faults.ts'
import { missingMosquitto } from './processes.ts'
import type { Scenario, Seen } from './scenario.ts'

interface Rules extends Disposable {
  remove(): void
}

function nft(script: string): string | undefined {
  const { status, stderr, error } = spawnSync('nft', ['-f', '-'], {
    input: script,
    encoding: 'utf8',
  })
  return status === 0 ? undefined : (error?.message ?? stderr.split('\n')[0])
}

/** Drops packets to and from this one port; the table is our own and goes with us. */
function dropPackets(port: number, which: string): Rules {
  const table = `mimamori_faults_${process.pid}_${port}`
  const rules = ['dport', 'sport'].map((side) => `tcp ${side} ${port} ${which} drop`)
  const chain = ['type filter hook input priority 0;', ...rules].join('\n')
  const problem = nft(`table inet ${table} {\nchain input {\n${chain}\n}\n}`)
  if (problem !== undefined) throw new Error(problem)
  let isThere = true
  const remove = () => {
    if (isThere) nft(`delete table inet ${table}`)
    isThere = false
  }
  return { remove, [Symbol.dispose]: remove }
}

function missingNft(): string | undefined {
  if (missingMosquitto()) return missingMosquitto()
  const table = `mimamori_faults_try_${process.pid}`
  const problem = nft(`table inet ${table} { }`) ?? nft(`delete table inet ${table}`)
  return problem && `root and nftables (apt-get install nftables): ${problem}`
}

export const packetFaults: readonly Scenario[] = [
  {
    id: 'F04',
    fault: '5 % of the packets lost for 20 s',
    expect: 'nothing lost, the session stays up',
    missing: missingNft,
    run: () => runRules('numgen random mod 100 < 5', 20_000, true),
  },
  {
    id: 'F07b',
    fault: 'black hole: every packet dropped for 40 s, no RST',
    expect: 'found within 1.5 keep-alives (30 s), new session',
    missing: missingNft,
    run: () => runRules('', 40_000, false),
  },
]

/** Drops for a while; just before the end the gateway must know whether it is connected. */
async function runRules(which: string, lastsMs: number, isUp: boolean): Promise<Seen> {
  let rules: Rules | undefined
  const begin = ({ proxy }: Bench) => {
    rules = dropPackets(proxy.port, which)
  }
  try {
    return await runOutage({
      begin,
      lastsMs,
      async during(bench) {
        const isBelieved = (await bench.status())?.cloud.connected
        if (isBelieved === isUp) return []
        return [isUp ? 'the session fell' : 'still believed to be connected']
      },
      end: () => rules?.remove(),
    })
  } finally {
    rules?.remove()
  }
}
