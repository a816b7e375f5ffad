/** What the API needs of everything about models. */
import type { Explanation, FailureReadiness, LevelChange } from '../../protocol/api-explanation.ts'
import type {
  DriftView,
  ModelComparison,
  ModelVersionView,
  UnjudgedView,
  UploadRequest,
} from '../../protocol/api-models.ts'
import type { TagId } from '../../protocol/model.ts'
import type { Feedback } from '../feedback/feedback.ts'
import type { Registry } from '../registry/registry.ts'
import type { Retraining } from '../training/retraining.ts'
import type { Training } from '../training/training.ts'

export interface FailureServices {
  /** Throws Fault 'object.missing'. */
  /** To somebody who may read the cases of these sites. */
  explain(alarm: string, reader: { sites?: readonly string[] }): Promise<Explanation>
  readiness(asset: string): Promise<FailureReadiness>
  changes(tags: readonly TagId[], span: { from: number; to: number }): Promise<LevelChange[]>
}

export interface ModelServices {
  registry: Registry
  training: Training
  retraining: Retraining
  /** Why an alarm was raised, known failures, changes of level. */
  failures: FailureServices
  feedback: Feedback
  comparisons: { of(asset: string): ModelComparison[] }
  drift: { of(asset: string): DriftView | undefined }
  unjudged: { of(asset: string): UnjudgedView | undefined }
  /** Dry-run and calibrated before it is a version; throws what is wrong with it. */
  upload(actor: { login: string }, asset: string, wanted: UploadRequest): Promise<ModelVersionView>
}
