/** The most the OPC UA load server delivers by itself: to a bare client of its own library that only counts. */
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { OPCUACertificateManager } from 'node-opcua-certificate-manager'
import {
  AttributeIds,
  ClientMonitoredItemGroup,
  type ClientSubscription,
  MessageSecurityMode,
  OPCUAClient,
  SecurityPolicy,
  TimestampsToReturn,
} from 'node-opcua-client'
import { openOpcuaLoad } from './load.ts'

const TAGS = 1_000
/** 100,000 changes a second: more than it can. */
const INTERVAL_MS = 10
const MEASURE_MS = 3_000
const QUEUE = 100

export async function measureServerCeiling(folder: string): Promise<number> {
  await using load = await openOpcuaLoad(folder, TAGS, INTERVAL_MS)
  // Without one of its own the library makes a certificate in the home folder.
  const rootFolder = join(folder, 'client-pki')
  const pki = new OPCUACertificateManager({ rootFolder, disableFileWatchers: true })
  const client = OPCUAClient.create({
    clientCertificateManager: pki,
    endpointMustExist: false,
    securityMode: MessageSecurityMode.None,
    securityPolicy: SecurityPolicy.None,
    connectionStrategy: { maxRetry: 0 },
  })
  await client.connect(load.ready.endpoint)
  const session = await client.createSession()
  const subscription = await session.createSubscription2({
    requestedPublishingInterval: 100,
    maxNotificationsPerPublish: 0,
    publishingEnabled: true,
  })
  let changes = 0
  const group = monitor(subscription, () => {
    changes += 1
  })
  await new Promise((resolve) => group.once('initialized', () => resolve(undefined)))
  load.tell({ start: Number.MAX_SAFE_INTEGER })
  await sleep(MEASURE_MS / 2)
  const before = changes
  const from = performance.now()
  await sleep(MEASURE_MS)
  const rate = ((changes - before) * 1000) / (performance.now() - from)
  await client.disconnect()
  await pki.dispose()
  return Math.round(rate)
}

function monitor(subscription: ClientSubscription, count: () => void): ClientMonitoredItemGroup {
  const items = Array.from({ length: TAGS }, (_, index) => ({
    nodeId: `ns=2;s=Load.Tag${index}`,
    attributeId: AttributeIds.Value,
  }))
  const options = { samplingInterval: 0, queueSize: QUEUE, discardOldest: true }
  const group = ClientMonitoredItemGroup.create(
    subscription,
    items,
    options,
    TimestampsToReturn.Neither,
  )
  group.on('changed', count)
  return group
}
