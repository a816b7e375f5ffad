/** The manifest of labelled-failure trees: columns, features, classes, origin, metrics. */
import { type Static, Type } from 'typebox'
import { closed, commonFields, Name, readFeatureModel } from '../feature-manifest.ts'

export const TreeManifestSchema = Type.Object(
  {
    ...commonFields,
    kind: Type.Literal('labelled-failures'),
    labelColumn: Name,
    /** Parts of the cycle whose means are features; 0: a cycle is one row. */
    parts: Type.Integer({ minimum: 0, maximum: 1024 }),
    /** Labels in the order of the output's columns. */
    classes: Type.Array(Name, { minItems: 2 }),
  },
  closed,
)
export type TreeManifest = Static<typeof TreeManifestSchema>

/** Fault 'model.bad-manifest' or 'model.bad-file', with the file and what is wrong. */
export async function readTreeFolder(
  dir: string,
): Promise<{ manifest: TreeManifest; bytes: Uint8Array }> {
  return await readFeatureModel(dir, TreeManifestSchema)
}
