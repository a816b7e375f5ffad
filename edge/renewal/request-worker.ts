/** The thread in which a request is made: what it needs for that would stay in the gateway's memory for ever. */
import { parentPort, workerData } from 'node:worker_threads'
import { makeRequest } from './make-request.ts'

parentPort?.postMessage(await makeRequest(String(workerData)))
