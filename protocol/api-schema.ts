/** The pieces that every schema of the HTTP API is made of. */
import { type TSchema, Type } from 'typebox'

export const oneOf = <T extends string>(values: readonly T[]) => Type.Enum([...values])
export const nullable = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()])
export const at = Type.Integer({ description: 'Unix milliseconds' })
export const text = (maxLength: number, minLength = 0) => Type.String({ minLength, maxLength })
