/** Writes the boards as the JSON files that Grafana reads: `node dashboards/build.ts`. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { assetBoard } from './asset-board.ts'
import type { Board } from './board.ts'
import { fleetBoard } from './fleet-board.ts'

/** Every board we ship. */
export const boards: readonly Board[] = [fleetBoard, assetBoard]
/** Where Grafana's provider looks, beside this file. */
export const JSON_FOLDER = join(import.meta.dirname, 'json')

/** The file's name and text of a board. */
export function formatBoard(board: Board): { file: string; text: string } {
  return { file: `${board.uid}.json`, text: `${JSON.stringify(board, null, 2)}\n` }
}

if (import.meta.main) {
  mkdirSync(JSON_FOLDER, { recursive: true })
  for (const { file, text } of boards.map(formatBoard)) writeFileSync(join(JSON_FOLDER, file), text)
}
