/** Two pseudo terminals joined by socat: a serial cable without the copper. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { SerialPort } from 'serialport'

export const hasSocat = spawnSync('socat', ['-V']).status === 0
export const SOCAT_HINT = 'needs: apt-get install socat'

export interface PtyPair extends AsyncDisposable {
  /** The driver's end. */
  readonly near: string
  /** The device's end, open. */
  readonly far: SerialPort
  /** Pulls the cable. */
  cut(): Promise<void>
}

export async function openPtyPair(): Promise<PtyPair> {
  const dir = await mkdtemp(join(tmpdir(), 'modbus-pty-'))
  const [near, path] = [join(dir, 'near'), join(dir, 'far')]
  const end = (link: string) => `pty,raw,echo=0,link=${link}`
  const socat: ChildProcess = spawn('socat', [end(near), end(path)], { stdio: 'ignore' })
  for (let i = 0; i < 500 && !(existsSync(near) && existsSync(path)); i++) await sleep(10)
  const far = new SerialPort({ path, baudRate: 115_200, autoOpen: false })
  far.on('error', () => {})
  await new Promise<void>((resolve, reject) => far.open((e) => (e ? reject(e) : resolve())))
  const cut = async () => {
    if (socat.exitCode !== null || socat.signalCode !== null) return
    const exited = once(socat, 'exit')
    socat.kill()
    await exited
  }
  return {
    near,
    far,
    cut,
    async [Symbol.asyncDispose]() {
      await new Promise<void>((resolve) => far.close(() => resolve()))
      await cut()
      await rm(dir, { recursive: true, force: true })
    },
  }
}
