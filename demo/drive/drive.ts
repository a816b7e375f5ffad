/** `npm run demo:drive`: plays the whole story of the demo by itself, each step asserted and printed with its time. */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { Command, InvalidArgumentError } from 'commander'
import { Fault } from '../../protocol/kit/fault.ts'
import { startDemo } from '../demo.ts'
import { findFreePorts } from '../ports.ts'
import { openApiPlayer } from './by-api.ts'
import { openBrowserPlayer } from './by-browser.ts'
import { type Cast, createCast, parseLogins } from './cast.ts'
import { createNarrator, type Narrator } from './narrator.ts'
import { createStory, type Player } from './story.ts'
import { findChromium } from './visits.ts'

/** The normal state is to be seen first: the parts start in some ten seconds, the model looks at twelve rows. */
const FAULT_AFTER_S = 45
/** Of each log, where a step failed. */
const LOG_LINES = 5

interface DriveOptions {
  data?: string
  port?: number
  faultAfter: number
  keep: boolean
  url?: string
  logins?: string
  screens?: string
  api: boolean
}

function parseNumber(text: string): number {
  const number = Number(text)
  if (!Number.isFinite(number) || number < 0) throw new InvalidArgumentError('a number, 0 or more')
  return number
}

function parseOptions(): DriveOptions {
  return new Command('demo:drive')
    .description(
      'plays the demo from normal to a closed case, through a browser where there is one',
    )
    .option('--data <dir>', 'data folder of the demo; a new temporary one when left out')
    .option('--port <n>', 'port of the console; a free one when left out', parseNumber)
    .option('--fault-after <s>', 'when the cooler fails', parseNumber, FAULT_AFTER_S)
    .option('--keep', 'leave the temporary data folder', false)
    .option('--url <url>', 'play on this running demo instead of starting one')
    .option('--logins <list>', 'with --url: role:login:password,…')
    .option('--screens <dir>', 'leave pictures of every page here')
    .option('--api', 'over the API even where there is a browser', false)
    .parse()
    .opts<DriveOptions>()
}

interface Place extends AsyncDisposable {
  cast: Cast
  /** Undefined for a demo that is not ours. */
  dataDir: string | undefined
}

async function openPlace(options: DriveOptions, narrator: Narrator): Promise<Place> {
  if (options.url !== undefined) {
    const cast = createCast(options.url, parseLogins(options.logins ?? ''))
    return { cast, dataDir: undefined, [Symbol.asyncDispose]: async () => {} }
  }
  await using stack = new AsyncDisposableStack()
  const dataDir = options.data ?? (await mkdtemp(join(tmpdir(), 'mimamori-drive-')))
  const isOurs = options.data === undefined && !options.keep
  if (isOurs) stack.defer(() => rm(dataDir, { recursive: true, force: true }))
  const port = options.port ?? (await findFreePorts(1))[0] ?? 0
  narrator.say(`starting the demo in ${resolve(dataDir)}`)
  const { faultAfter } = options
  const demo = stack.use(await startDemo({ data: dataDir, port, faultAfter, restartAfter: 2 }))
  narrator.say(`the demo is ready at ${demo.url}`)
  const owned = stack.move()
  return {
    cast: createCast(demo.url, demo.logins),
    dataDir: resolve(dataDir),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

async function openPlayer(cast: Cast, options: DriveOptions, narrator: Narrator): Promise<Player> {
  const chromium = options.api ? undefined : findChromium()
  if (chromium !== undefined) {
    narrator.say(`three people, each with a ${chromium} of their own`)
    return await openBrowserPlayer(cast, { chromium, screens: options.screens })
  }
  const why = options.api ? '--api' : 'no Chromium is installed (apt-get install chromium)'
  narrator.say(`over the HTTP API, without a browser: ${why}`)
  return await openApiPlayer(cast)
}

/** The last lines of every part's log: the cause is mostly there. */
async function printLogs(dataDir: string): Promise<void> {
  const dir = join(dataDir, 'logs')
  for (const name of await readdir(dir)) {
    const lines = (await readFile(join(dir, name), 'utf8')).trimEnd().split('\n')
    console.error(`\n--- ${name}\n${lines.slice(-LOG_LINES).join('\n')}`)
  }
}

async function drive(options: DriveOptions): Promise<void> {
  const narrator = createNarrator((text) => process.stdout.write(text))
  await using place = await openPlace(options, narrator)
  await using player = await openPlayer(place.cast, options, narrator)
  try {
    for (const step of createStory(player)) await narrator.step(step)
  } catch (error) {
    console.error(`\n${error instanceof Fault ? error.message : String(error)}`)
    const dir = options.screens ?? (await mkdtemp(join(tmpdir(), 'mimamori-drive-failed-')))
    for (const kept of await player.keepEvidence(dir)) console.error(`  ${kept}`)
    if (place.dataDir) await printLogs(place.dataDir)
    throw error
  }
}

if (import.meta.main) {
  try {
    await drive(parseOptions())
    console.log('case closed, verified')
  } catch (error) {
    if (!(error instanceof Fault)) console.error(error)
    process.exitCode = 1
  }
}
