/** The registry: complete, lazy, and with schemas fit for editors. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { driverNames, isDriverName, loadDriver } from './registry.ts'

const run = promisify(execFile)
const registry = new URL('./registry.ts', import.meta.url).href

test('loading a driver imports no other and not node-opcua-client, not even for opcua itself', async () => {
  // The modules a process has read are seen by a resolve hook in a process of its own.
  const program = `
    import { registerHooks } from 'node:module'
    const seen = []
    registerHooks({ resolve(name, context, next) {
      const it = next(name, context)
      seen.push(it.url)
      return it
    } })
    const { loadDriver } = await import(${JSON.stringify(registry)})
    await loadDriver('modbus')
    const afterModbus = seen.filter((url) => /node-opcua|drivers\\/(opcua|escpos)\\//.test(url))
    await loadDriver('opcua')
    const afterOpcua = seen.filter((url) => /node-opcua/.test(url))
    console.log(JSON.stringify({ afterModbus, afterOpcua, modbus: seen.some((url) => /drivers\\/modbus\\//.test(url)) }))`
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', program])
  expect(JSON.parse(stdout)).toEqual({ afterModbus: [], afterOpcua: [], modbus: true })
})

test('only names of drivers are names of drivers', () => {
  expect(driverNames).toEqual(['escpos', 'modbus', 'opcua'])
  expect(isDriverName('modbus')).toBe(true)
  for (const name of ['Modbus', 'toString', '', 7, undefined])
    expect(isDriverName(name)).toBe(false)
})

for (const name of driverNames) {
  test(`${name}: every property of its schemas is described, and unknown keys are refused`, async () => {
    const { optionsSchema, addressSchema } = await loadDriver(name)
    for (const schema of [optionsSchema, addressSchema]) {
      const plain = JSON.parse(JSON.stringify(schema))
      expect(plain.additionalProperties).toBe(false)
      for (const [key, property] of Object.entries<{ description?: string }>(plain.properties)) {
        expect(property.description, `${name}.${key}`).toMatch(/\w.*\.$/s)
      }
    }
  })
}
