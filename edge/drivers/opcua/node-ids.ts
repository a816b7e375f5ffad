/** Node ids by namespace URI, resolved against the server's NamespaceArray of this very session. */

/** Part 4, 7.39.2. */
export const BAD_NODE_ID_UNKNOWN = 0x80340000

/** `nsu=urn:acme;s=X` becomes `ns=2;s=X`; undefined when the server has no such namespace. */
export function resolveNodeId(nodeId: string, namespaces: readonly string[]): string | undefined {
  const match = /^nsu=([^;]+);(.+)$/s.exec(nodeId)
  if (!match) return /^ns=/.test(nodeId) ? undefined : `ns=0;${nodeId}`
  const index = namespaces.indexOf(match[1] ?? '')
  return index < 0 ? undefined : `ns=${index};${match[2]}`
}
