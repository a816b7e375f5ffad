/** Preloaded into every child of the demo: when the parent is gone, even by kill -9, the child stops too. */
if (process.channel) {
  process.on('disconnect', () => process.kill(process.pid, 'SIGTERM'))
  process.channel.unref()
}

export {}
