/** Migration 2, part: configurations sent to gateways. */

export const gatewayConfigTables: readonly string[] = []
