/** The thread in which a model that others trained is opened and run for the first time: it may hang or eat memory. */
import { parentPort, workerData } from 'node:worker_threads'
import type { InferenceSession } from 'onnxruntime-node'
import { SESSION_OPTIONS } from '../session.ts'
import type { DryRunAnswer, DryRunOrder, ModelPort } from './dry-run.ts'

const { bytes, batches } = workerData as DryRunOrder

function describePorts(ports: readonly InferenceSession.ValueMetadata[]): ModelPort[] {
  return ports.map((port) =>
    port.isTensor
      ? { name: port.name, type: port.type, shape: port.shape.map(String) }
      : { name: port.name },
  )
}

async function answer(): Promise<DryRunAnswer> {
  const { InferenceSession, Tensor } = await import('onnxruntime-node')
  const session = await InferenceSession.create(bytes, SESSION_OPTIONS)
  const inputs = describePorts(session.inputMetadata)
  const outputs = describePorts(session.outputMetadata)
  const scores: number[][] = []
  for (const { values, dims, output } of batches) {
    const tensor =
      values instanceof Float64Array
        ? new Tensor('float64', values, [...dims])
        : new Tensor('float32', values, [...dims])
    const results = await session.run({ [inputs[0]?.name ?? '']: tensor }, [output])
    scores.push(Array.from(results[output]?.data ?? [], Number))
  }
  return { inputs, outputs, scores }
}

answer().then(
  (found) => parentPort?.postMessage(found),
  (error: unknown) =>
    parentPort?.postMessage({ problem: error instanceof Error ? error.message : String(error) }),
)
