/** What stands in the log is what happened: an error with its words, whichever name it goes by. */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, test } from 'vitest'

test('an error is told by its message and its cause, not as {}', () => {
  const script = `
    import { createLog } from ${JSON.stringify(join(import.meta.dirname, 'log.ts'))}
    const error = new Error('no space left', { cause: new Error('ENOSPC') })
    createLog('t').error({ error }, 'not kept')
    createLog('t').error({ err: error }, 'not kept')
    createLog('t').error({ error: String(error) }, 'not kept')`
  const env = { ...process.env, MIMAMORI_LOG: 'info' }
  const { stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { env })
  const lines = String(stderr).trim().split('\n')
  expect(lines).toHaveLength(3)
  for (const line of lines) expect(line).toContain('no space left')
  for (const line of lines.slice(0, 2)) expect(line).toContain('ENOSPC')
})
