/** The thread in which a large configuration from the cloud is checked. */
import { parentPort, workerData } from 'node:worker_threads'
import { type CheckOrder, carryOutCheck } from './check-order.ts'

parentPort?.postMessage(await carryOutCheck(workerData as CheckOrder))
