/** What the API needs of everything about models. */
import type {
  DriftView,
  ModelComparison,
  ModelVersionView,
  UploadRequest,
} from '../../protocol/api-models.ts'
import type { Explainer } from '../explanation/explanation.ts'
import type { Feedback } from '../feedback/feedback.ts'
import type { Registry } from '../registry/registry.ts'
import type { Retraining } from '../training/retraining.ts'
import type { Training } from '../training/training.ts'

export interface ModelServices {
  registry: Registry
  training: Training
  retraining: Retraining
  explainer: Explainer
  feedback: Feedback
  comparisons: { of(asset: string): ModelComparison[] }
  drift: { of(asset: string): DriftView | undefined }
  /** Dry-run and calibrated before it is a version; throws what is wrong with it. */
  upload(actor: { login: string }, asset: string, wanted: UploadRequest): Promise<ModelVersionView>
}
