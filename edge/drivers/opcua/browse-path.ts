/** Paths of browse names: parsed by themselves, then bound to the namespaces of one session. */

export interface PathStep {
  /** A name of the device's `namespaces`; undefined: OPC UA's own namespace. */
  prefix?: string
  /** The namespace itself, where the path spells it: `nsu=urn:acme;Name`. */
  uri?: string
  name: string
}

export interface BoundStep {
  namespaceIndex: number
  name: string
}

export interface Namespaces {
  /** The server's NamespaceArray in this session, as last read. */
  uris: string[]
  /** Short names of the configuration. */
  prefixes: Readonly<Record<string, string>>
}

/** `&` makes the next character plain (Part 4, A.2). */
const STEP = /^\/(?:nsu=([^;]+);|((?:[^&/:]|&.)+):)?((?:[^&/:]|&.)+)/su

/** `/Objects/press:Press/nsu=http://acme/UA/;PS1`; undefined when it is none. */
export function parseBrowsePath(text: string): PathStep[] | undefined {
  const steps: PathStep[] = []
  let rest = text
  while (rest !== '') {
    const match = STEP.exec(rest)
    if (!match) return undefined
    const [all, uri, prefix, name = ''] = match
    steps.push({ uri, prefix: prefix === undefined ? undefined : plain(prefix), name: plain(name) })
    rest = rest.slice(all.length)
  }
  return steps.length > 0 ? steps : undefined
}

const plain = (text: string) => text.replaceAll(/&(.)/gsu, '$1')

/** A browse name as it is written in a path. */
export function formatStep({ prefix, uri, name }: PathStep): string {
  const escaped = (text: string) => text.replaceAll(/[&/:]/g, '&$&')
  if (uri !== undefined) return `/nsu=${uri};${escaped(name)}`
  return prefix === undefined ? `/${escaped(name)}` : `/${escaped(prefix)}:${escaped(name)}`
}

/** Undefined when the server has no such namespace, or the configuration no such prefix. */
export function bindPath(
  steps: readonly PathStep[],
  { uris, prefixes }: Namespaces,
): BoundStep[] | undefined {
  const bound: BoundStep[] = []
  for (const { prefix, uri: spelled, name } of steps) {
    const uri = spelled ?? (prefix === undefined ? undefined : prefixes[prefix])
    const isOwn = spelled === undefined && prefix === undefined
    const namespaceIndex = isOwn ? 0 : uri === undefined ? -1 : uris.indexOf(uri)
    if (namespaceIndex < 0) return undefined
    bound.push({ namespaceIndex, name })
  }
  return bound
}
