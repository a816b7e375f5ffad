/** The pure part of the proxy: redirects and cookies. */
import { expect, test } from 'vitest'
import { ownCookie, requestHeaders, rewriteLocation } from './headers.ts'

test.for([
  ['/login', '/login'],
  ['login?x#y', 'login?x#y'],
  ['http://10.0.0.5/a?b', '/a?b'],
  ['HTTPS://evil.example', '/'],
  ['//evil.example/a', '/a'],
  ['/\\evil.example/a', '/a'],
  ['http://a//evil.example', '/evil.example'],
  ['\t//evil.example', '/'],
  ['javascript:alert(1)', '/'],
])('a redirect to %j stays inside: %j', ([location = '', expected]) => {
  const rewritten = rewriteLocation(location)
  expect(rewritten).toBe(expected)
  expect(new URL(rewritten, 'http://frame/').origin).toBe('http://frame')
})

test('our cookie is found among others and never passed on', () => {
  const header = 'a=1; __Host-hmi=secret; b=2'
  expect(ownCookie(header)).toBe('secret')
  expect(ownCookie('x__Host-hmi=secret')).toBeUndefined()
  const place = { target: 'hmi', origin: 'http://frame', frameAncestors: 'frame-ancestors x' }
  expect(requestHeaders({ cookie: header }, place).cookie).toBe('a=1; b=2')
  expect(requestHeaders({ cookie: '__Host-hmi=secret' }, place)).not.toHaveProperty('cookie')
})

test('a chunked body stays chunked whatever the method, so that it is never read as a second request', () => {
  const place = { target: 'hmi', origin: 'http://frame', frameAncestors: '' }
  expect(requestHeaders({ 'transfer-encoding': 'chunked' }, place)).toMatchObject({
    'transfer-encoding': 'chunked',
  })
})
