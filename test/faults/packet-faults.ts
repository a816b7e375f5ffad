/** F04, F07b, F08b: packets of one port lost or refused in the kernel; it takes root and nftables. */
import { spawnSync } from 'node:child_process'
import type { Bench } from './bench.ts'
import { runOutage } from './edge-link-faults.ts'
import { missingMosquitto } from './processes.ts'
import type { Scenario, Seen } from './scenario.ts'

interface Spoil {
  /** In nftables' words; empty: every packet. */
  which: string
  verdict: 'drop' | 'reject with tcp reset'
}

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

/** Does so with packets to and from this one port; the table is our own and goes with us. */
function spoilPackets(port: number, { which, verdict }: Spoil): Rules {
  const table = `mimamori_faults_${process.pid}_${port}`
  // A reset comes back as a packet of this port: it must pass.
  const sides = verdict === 'drop' ? ['dport', 'sport'] : ['dport']
  const rules = sides.map((side) => `tcp ${side} ${port} ${which} ${verdict}`)
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
    run: () => runRules({ which: 'numgen random mod 100 < 5', verdict: 'drop' }, 20_000, true),
  },
  {
    id: 'F07b',
    fault: 'black hole: every packet dropped for 40 s, no RST',
    expect: 'found within 1.5 keep-alives (30 s), new session',
    missing: missingNft,
    run: () => runRules({ which: '', verdict: 'drop' }, 40_000, false),
  },
  {
    id: 'F08b',
    fault: 'a firewall answers every packet with RST for 15 s',
    expect: 'tried again with growing waits, new session afterwards',
    missing: missingNft,
    run: () => runRules({ which: '', verdict: 'reject with tcp reset' }, 15_000, false),
  },
]

/** For a while; just before the end the gateway must know whether it is connected. */
async function runRules(spoil: Spoil, lastsMs: number, isUp: boolean): Promise<Seen> {
  let rules: Rules | undefined
  const begin = ({ proxy }: Bench) => {
    rules = spoilPackets(proxy.port, spoil)
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
