/** How the console is built: from cloud/console into cloud/console/dist, all of it served by the cloud itself. */
import { fileURLToPath } from 'node:url'
import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

const root = fileURLToPath(new URL('./cloud/console', import.meta.url))

export default defineConfig({
  root,
  plugins: [react()],
  build: {
    outDir: fileURLToPath(new URL('./cloud/console/dist', import.meta.url)),
    emptyOutDir: true,
    // Not "assets": /assets/press-1 is the page of a machine, and must open by its address.
    assetsDir: 'static',
    target: 'es2022',
    // One bundle on purpose: a console that was open during an upgrade must not ask for a chunk that is gone.
    chunkSizeWarningLimit: 1200,
  },
  server: { proxy: { '/api': process.env.MIMAMORI_API ?? 'http://127.0.0.1:8080' } },
})
