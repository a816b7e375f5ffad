/** A process that takes one configuration after the other and confirms each, until somebody kills it; tells its folder and each version it has confirmed. */
import { parse, stringify } from 'yaml'
import { offerOf, openSite, type RawDevice } from './site.fixture.ts'

await using scene = await openSite()
console.log(scene.dir)
await using remote = await scene.start()
for (let version = 1; ; version++) {
  const value = parse(remote.report().yaml) as { devices: RawDevice[] }
  for (const { groups } of value.devices.slice(0, 1)) {
    // The version can be read off the configuration.
    for (const group of groups) group.intervalMs = 1000 + version
  }
  await remote.offer(offerOf(remote, stringify(value), { version }))
  scene.link.acknowledged = version
  while (!(await remote.confirm({ version })).done) scene.link.acknowledged++
  console.log(version)
}
