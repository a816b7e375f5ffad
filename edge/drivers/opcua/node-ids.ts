/** Node ids by namespace URI, resolved against the server's NamespaceArray of this very session. */

/** Status codes of Part 4, 7.39.2, that the driver itself gives or looks for. */
export const codes = {
  badNodeIdInvalid: 0x80330000,
  badNodeIdUnknown: 0x80340000,
  badNotReadable: 0x803a0000,
  badTypeMismatch: 0x80740000,
  badEncodingLimitsExceeded: 0x80080000,
  badNoMatch: 0x806f0000,
  badDataLost: 0x809d0000,
} as const

/** `nsu=urn:acme;s=X` becomes `ns=2;s=X`; undefined when the server has no such namespace. */
export function resolveNodeId(nodeId: string, namespaces: readonly string[]): string | undefined {
  const match = /^nsu=([^;]+);(.+)$/s.exec(nodeId)
  if (!match) return /^ns=/.test(nodeId) ? undefined : `ns=0;${nodeId}`
  const index = namespaces.indexOf(match[1] ?? '')
  return index < 0 ? undefined : `ns=${index};${match[2]}`
}

/** `ns=2;s=X` becomes `nsu=urn:acme;s=X`; a node of OPC UA itself loses its index. */
export function formatNodeId(nodeId: string, namespaces: readonly string[]): string | undefined {
  const match = /^ns=(\d+);(.+)$/s.exec(nodeId)
  if (!match) return nodeId
  const index = Number(match[1])
  if (index === 0) return match[2]
  const uri = namespaces[index]
  return uri === undefined ? undefined : `nsu=${uri};${match[2]}`
}
