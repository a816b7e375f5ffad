/** Secrets do not get into recordings. */
import { expect, test } from 'vitest'
import { redactBody, redactHeaders, redactPath } from './redact.ts'

test('credentials in headers are replaced, others stay', () => {
  expect(
    redactHeaders({
      authorization: 'Basic x',
      cookie: 'a=1',
      'set-cookie': ['s=1'],
      'X-Auth-Token': 't',
      accept: '*/*',
    }),
  ).toEqual({
    authorization: '[redacted]',
    cookie: '[redacted]',
    'set-cookie': '[redacted]',
    'X-Auth-Token': '[redacted]',
    accept: '*/*',
  })
})

test.for([
  ['user=a&password=p%20q', 'application/x-www-form-urlencoded'],
  ['user=a&Pass%77ord=p%20q', 'application/x-www-form-urlencoded'],
  ['{"user":"a","pin":"p%20q"}', 'application/json'],
  ['{"list":[{"newPassword":"p%20q"}]}', 'application/json; charset=utf-8'],
  ['{"user":"a","api_key": "p%20q', 'application/json'],
  ['{"pwd":"p%20q"}', 'text/plain'],
])('%s: the secret is gone', ([body = '', type = '']) => {
  const redacted = redactBody(body, type)
  expect(redacted).not.toContain('p%20q')
  expect(redacted).toContain('[redacted]')
})

test('what is no secret stays as it was', () => {
  expect(redactBody('mode=spare&pass=1', 'application/x-www-form-urlencoded')).toBe(
    'mode=spare&pass=[redacted]',
  )
  expect(redactBody('{"mode":"spare","pinned":1}', 'application/json')).toBe(
    '{"mode":"spare","pinned":1}',
  )
  expect(redactBody('mode=spare', 'text/plain')).toBe('mode=spare')
})

test('secret query parameters are replaced in the path, also in headers that carry one', () => {
  expect(redactHeaders({ referer: 'http://a/b?token=x' })).toEqual({
    referer: 'http://a/b?token=[redacted]',
  })
  expect(redactPath('/a?token=x&page=2')).toBe('/a?token=[redacted]&page=2')
  expect(redactPath('/a')).toBe('/a')
})
