/** Structured logs: one JSON line on stderr, secrets redacted; log transitions, not levels. */
import { type Logger, pino, stdSerializers, stdTimeFunctions } from 'pino'

export type Log = Logger

/** Fields that never reach a log, wherever they stand. */
const SECRET_PATHS = [
  'password',
  'token',
  'cookie',
  'grant',
  '*.password',
  '*.token',
  '*.cookie',
  '*.grant',
]

/** A logger named after its process part; level by `MIMAMORI_LOG` (default info). */
export function createLog(name: string): Log {
  return pino(
    {
      name,
      level: process.env.MIMAMORI_LOG ?? 'info',
      redact: SECRET_PATHS,
      // As JSON an error is `{}`: whoever reads the log would learn nothing.
      serializers: { error: stdSerializers.err },
      timestamp: stdTimeFunctions.isoTime,
      base: { name },
    },
    pino.destination({ fd: 2, sync: true }),
  )
}
