/** Addresses as text: what parses, what formats, and what is refused before anything connects. */
import { expect, test } from 'vitest'
import type { Tag } from '../../../protocol/model.ts'
import { lintTag } from './address.ts'
import { bindPath, formatStep, parseBrowsePath } from './browse-path.ts'
import { formatNodeId, resolveNodeId } from './node-ids.ts'
import { createTag } from './scene.fixture.ts'

test('names with separators, and URIs with slashes, survive formatting and parsing', () => {
  const steps = [
    { name: 'Objects' },
    { uri: 'http://acme.com/UA/', name: 'A/B:C&D' },
    { prefix: 'p', name: 'x y' },
  ]
  const text = steps.map(formatStep).join('')
  expect(text).toBe('/Objects/nsu=http://acme.com/UA/;A&/B&:C&&D/p:x y')
  expect(parseBrowsePath(text)).toMatchObject(steps)
  for (const wrong of ['', 'Objects', '/', '//x', '/a&', '/a/', '/:x'])
    expect(parseBrowsePath(wrong), wrong).toBeUndefined()
})

test('what an address cannot mean is said before anything connects', () => {
  const said = (type: Tag['type'], address: Record<string, unknown>) =>
    lintTag({ ...createTag('T', type), address })
  expect(said('Double', { nodeId: 'i=1' })).toBeUndefined()
  expect(said('Double', {})).toMatch(/either "nodeId" or "browsePath"/)
  expect(said('Double', { nodeId: 'i=1', browsePath: '/x' })).toMatch(/either/)
  expect(said('Double', { browsePath: '/x//y' })).toMatch(/empty name/)
  expect(said('Boolean', { nodeId: 'i=1', deadbandAbsolute: 1 })).toMatch(/no deadband/)
  expect(said('Double', { nodeId: 'i=1', deadbandAbsolute: 1, deadbandPercent: 1 })).toMatch(
    /either/,
  )
  expect(said('Double', { nodeId: 'i=1', indexRange: '1:2' })).toMatch(/type String/)
  expect(said('String', { nodeId: 'i=1', event: 'Message', indexRange: '1' })).toMatch(/event/)
})

test('a path is bound to the indexes of one session, and not at all when a namespace is missing', () => {
  const namespaces = {
    uris: ['http://opcfoundation.org/UA/', 'urn:s', 'urn:p'],
    prefixes: { p: 'urn:p' },
  }
  const bind = (text: string) => bindPath(parseBrowsePath(text) ?? [], namespaces)
  expect(bind('/Objects/p:A/nsu=urn:s;B')).toEqual([
    { namespaceIndex: 0, name: 'Objects' },
    { namespaceIndex: 2, name: 'A' },
    { namespaceIndex: 1, name: 'B' },
  ])
  expect(bind('/Objects/q:A')).toBeUndefined()
  expect(bind('/Objects/nsu=urn:absent;A')).toBeUndefined()
})

test('a node id goes to its index and back by the namespace URI', () => {
  const uris = ['http://opcfoundation.org/UA/', 'urn:s', 'urn:p']
  for (const nodeId of ['nsu=urn:p;s=A;B=1', 'nsu=urn:s;i=7', 'i=2253'])
    expect(formatNodeId(resolveNodeId(nodeId, uris) ?? '', uris)).toBe(nodeId)
  expect(resolveNodeId('nsu=urn:p;s=A', uris)).toBe('ns=2;s=A')
  expect(resolveNodeId('nsu=urn:absent;s=A', uris)).toBeUndefined()
  expect(resolveNodeId('ns=2;s=A', uris)).toBeUndefined()
})
