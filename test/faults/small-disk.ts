/** A disk of a few megabytes, to be filled and made read-only; it takes root. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { missingMosquitto } from './processes.ts'

export interface SmallDisk extends AsyncDisposable {
  folder: string
  remount(options: string): string | undefined
}

/** Why there is no small disk here: it takes root and a kernel that mounts. */
export function missingDisk(): string | undefined {
  if (missingMosquitto()) return missingMosquitto()
  const folder = mkdtempSync(join(tmpdir(), 'mimamori-mount-'))
  try {
    const problem = mount(['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', folder])
    if (problem === undefined) spawnSync('umount', [folder])
    return problem && `no tmpfs can be mounted here: ${problem}`
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function mount(args: readonly string[]): string | undefined {
  const { status, stderr, error } = spawnSync('mount', args, { encoding: 'utf8' })
  return status === 0 ? undefined : (error?.message ?? stderr.trim())
}

export function openSmallDisk(megabytes: number): SmallDisk {
  const folder = mkdtempSync(join(tmpdir(), 'mimamori-disk-'))
  const problem = mount(['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', folder])
  if (problem !== undefined) throw new Error(problem)
  return {
    folder,
    remount: (options) => mount(['-o', `remount,${options}`, folder]),
    async [Symbol.asyncDispose]() {
      spawnSync('umount', ['--lazy', folder])
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** Fills the disk to the last byte. */
export async function fill(file: string): Promise<void> {
  const handle = await open(file, 'w')
  try {
    for (const size of [65_536, 4096, 512, 1]) {
      const block = Buffer.alloc(size)
      while (await tryWrite(handle, block));
    }
  } finally {
    await handle.close()
  }
}

async function tryWrite(handle: Awaited<ReturnType<typeof open>>, block: Buffer) {
  try {
    return (await handle.write(block)).bytesWritten === block.length
  } catch {
    return false
  }
}
