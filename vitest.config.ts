/** How tests run: every `*.test.ts` beside its code or in `test/`, on real sockets and files. */
import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['**/*.test.ts'],
    exclude: ['node_modules/**', 'data/**'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
    pool: 'forks',
    // A tour's spies keep what they saw from one hop to the next; the default forgets it before each test.
    clearMocks: false,
  },
})
