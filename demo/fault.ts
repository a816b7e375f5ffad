/** `mimamori simulate --fault press:cooler-failed`: gives a machine of the running demo a fault. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Fault } from '../protocol/kit/fault.ts'
import { injectFault } from '../simulators/inject.ts'
import type { Ports } from './places.ts'

const controlPorts = {
  press: 'pressHttp',
  chiller: 'chillerHttp',
  'pos-1': 'pos1Http',
  'pos-2': 'pos2Http',
  printer: 'printerHttp',
} as const

/** Answers a sentence; throws Fault 'demo.not-running' or 'simulator.unknown-fault'. */
export async function injectDemoFault(dataDir: string, text: string): Promise<string> {
  const [part = '', fault = ''] = text.split(':')
  if (!Object.hasOwn(controlPorts, part) || fault === '') {
    const known = Object.keys(controlPorts).join(', ')
    throw new Fault('config.invalid', {
      count: 1,
      problems: `--fault ${text}: write PART:FAULT, the parts are ${known}`,
    })
  }
  const ports = await readPorts(dataDir)
  const port = ports[controlPorts[part as keyof typeof controlPorts]]
  await injectFault({ url: `http://127.0.0.1:${port}`, fault })
  return `${part}: ${fault}`
}

async function readPorts(dataDir: string): Promise<Ports> {
  try {
    const text = await readFile(join(dataDir, 'demo.json'), 'utf8')
    return (JSON.parse(text) as { ports: Ports }).ports
  } catch (error) {
    throw new Fault('demo.not-running', { dataDir }, { cause: error })
  }
}
