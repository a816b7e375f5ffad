/** Says once what an operator should know and no sample can carry. */
import { createLog } from '../../../protocol/kit/log.ts'
import type { Conversation } from './conversation.ts'

/** Kept per device: beyond it nothing new is told, so that a server cannot fill the log. */
const MAX_TOLD = 1000

/** To the context's `notice`, or to the log when nobody listens; the same sentence never twice. */
export function tellOnce(
  { memory: { told }, context }: Pick<Conversation, 'memory' | 'context'>,
  say: string,
): void {
  if (told.has(say) || told.size >= MAX_TOLD) return
  told.add(say)
  if (context.notice) context.notice(say)
  else createLog(context.device).warn(say)
}
