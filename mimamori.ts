#!/usr/bin/env node
/** The command line: every part of the product starts here. */
import { Command, InvalidArgumentError } from 'commander'
import { addEdgeCommands } from './edge/commands.ts'
import { Fault } from './protocol/kit/fault.ts'
import { createLog } from './protocol/kit/log.ts'
import { sayFaultWhole } from './protocol/kit/say-fault.ts'

/** Wrong configuration or wrong flags. */
const EXIT_USAGE = 2

function parsePort(text: string): number {
  const port = Number(text)
  if (!Number.isInteger(port) || port < 1 || port > 65535) {
    throw new InvalidArgumentError('a port is a whole number from 1 to 65535')
  }
  return port
}

function parseSeconds(text: string): number {
  const seconds = Number(text)
  if (!Number.isFinite(seconds) || seconds < 0) throw new InvalidArgumentError('seconds, 0 or more')
  return seconds
}

function parseCount(text: string): number {
  const count = Number(text)
  if (!Number.isInteger(count) || count < 0) {
    throw new InvalidArgumentError('a whole number, 0 or more')
  }
  return count
}

/** One Ctrl-C under `npm start` arrives twice: from the terminal, and passed on by npm. */
const SAME_STOP_MS = 1000

/** Aborted by Ctrl-C or SIGTERM; a second Ctrl-C, a moment later, ends at once. */
function stopSignal(): AbortSignal {
  const controller = new AbortController()
  let firstMs: number | undefined
  const stop = (): void => {
    firstMs ??= performance.now()
    if (performance.now() - firstMs > SAME_STOP_MS) process.exit(130)
    controller.abort()
  }
  process.on('SIGINT', stop)
  process.on('SIGTERM', stop)
  return controller.signal
}

/** The whole command line; a function so that tests can ask it what it knows. */
export function createProgram(): Command {
  const program = new Command('mimamori')
    .description('Remote monitoring, predictive maintenance and remote support in one product')
    .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : EXIT_USAGE))
  addDemo(program)
  addEdgeCommands(program, stopSignal)
  addCloud(program)
  addSimulate(program)
  addModels(program)
  return program
}

function addDemo(program: Command): void {
  program
    .command('demo')
    .description('a plant, a shop and the cloud on this machine: the whole story in five minutes')
    .option('--data <dir>', 'where everything is kept; a second start goes on with it', './data')
    .option('--port <n>', 'port of the console', parsePort, 8080)
    .option('--fault-after <seconds>', 'when the recorded cooler fault comes', parseSeconds, 75)
    .option(
      '--restart-after <seconds>',
      'a part that dies starts again after this',
      parseSeconds,
      2,
    )
    .action(async (options) => {
      const { runDemo } = await import('./demo/demo.ts')
      await runDemo(options, stopSignal())
    })
}

function addCloud(program: Command): void {
  const cloud = program
    .command('cloud')
    .description('broker, historian, models, alarms, cases, sessions, console')
  cloud
    .command('run', { isDefault: true })
    .description('run the cloud')
    .requiredOption('--config <file>', 'cloud.yaml')
    .action(async ({ config }) => {
      const { runCloud } = await import('./cloud/main.ts')
      await runCloud(config, stopSignal())
    })
  cloud
    .command('check')
    .description('check a configuration and open nothing')
    .requiredOption('--config <file>', 'cloud.yaml')
    .action(async ({ config }) => {
      const { loadCloudConfig } = await import('./cloud/config.ts')
      const loaded = await loadCloudConfig(config)
      console.log(`${config}: ${loaded.fleet.assets.length} asset(s), nothing wrong`)
    })
  program
    .command('enrol')
    .description(
      'make the credentials of a gateway: key, certificate, CA and the key that signs grants',
    )
    .requiredOption('--config <file>', 'cloud.yaml')
    .requiredOption('--site <id>', 'its site')
    .requiredOption('--gateway <id>', 'its id')
    .requiredOption('--out <dir>', 'folder to write; carry it to the gateway by a safe way')
    .action(async (options) => {
      const { enrolGateway } = await import('./cloud/enrol.ts')
      console.log(await enrolGateway(options))
    })
  program
    .command('enrol-broker')
    .description('make the credentials of an external MQTT broker, and of the cloud as its client')
    .requiredOption('--config <file>', 'cloud.yaml')
    .requiredOption('--names <names>', 'comma separated names and addresses of the broker')
    .requiredOption('--out <dir>', 'folder to write')
    .action(async (options) => {
      const { enrolBroker } = await import('./cloud/enrol.ts')
      console.log(await enrolBroker(options))
    })
  program
    .command('person')
    .description('add a person or set a new password; it is made here and printed once')
    .requiredOption('--config <file>', 'cloud.yaml')
    .requiredOption('--login <name>', 'what they type to log in')
    .requiredOption('--role <role>', 'engineer, technician, site-manager or admin')
    .option('--name <name>', 'their name')
    .option('--sites <ids>', 'comma separated site ids, or *', '*')
    .action(async (options) => {
      const { setPerson } = await import('./cloud/persons.ts')
      console.log(await setPerson(options))
    })
  program
    .command('audit')
    .description('check the hash chain of the audit log')
    .requiredOption('--config <file>', 'cloud.yaml')
    .action(async ({ config }) => {
      const { checkAudit } = await import('./cloud/persons.ts')
      console.log(await checkAudit(config))
    })
}

function addSimulate(program: Command): void {
  program
    .command('simulate')
    .description('run one simulated machine, or give a running one a fault')
    .argument('[machine...]', 'press, chiller, pos or printer, and its flags')
    .option('--fault <name>', 'PART:FAULT, e.g. press:cooler-failed or press:none')
    .option('--data <dir>', 'the data folder of the running demo', './data')
    .allowUnknownOption()
    .action(async (machine: string[], options) => {
      if (options.fault) {
        const { injectDemoFault } = await import('./demo/fault.ts')
        console.log(await injectDemoFault(options.data, options.fault))
        return
      }
      const { runSimulator } = await import('./simulators/main.ts')
      await runSimulator(machine, stopSignal())
    })
}

function addModels(program: Command): void {
  program
    .command('train')
    .description('learn what normal looks like from a table of good days')
    .requiredOption('--in <file>', 'CSV, .csv.gz or Parquet, one row a sample')
    .requiredOption('--out <dir>', 'folder of the model')
    .option('--time <column>', 'the time column')
    .option('--kind <kind>', 'rul: from run-to-failure histories; failures: from labelled cycles')
    .option('--unit <column>', 'with --kind: names the machine, or the cycle')
    .option('--label <column>', 'with --kind failures: the known state')
    .option('--period <seconds>', 'grid step; found in the time column when left out', parseSeconds)
    .option('--resolution <file>', 'JSON: live step per tag')
    .option(
      '--mode <column>',
      'the operating mode, words or numbers: a model for each of its values',
    )
    .option('--modes <auto>', 'no such column: also a model for each phase of a cyclic machine')
    .option('--onnx <file>', 'a model trained elsewhere: only its threshold is found')
    .option('--score <output>', 'with --onnx: its output that is the score')
    .option('--column <n>', 'with --onnx: place of the score in a row of that output', parseCount)
    .option('--window-rows <n>', 'with --onnx: rows of a window the file leaves open', parseCount)
    .option('--low', 'with --onnx: a low score is abnormal')
    .option('--seed <n>', 'for everything random', parseCount, 1)
    .action(async (options) => {
      const { trainCommand } = await import('./models/commands.ts')
      console.log(await trainCommand(options))
    })
  program
    .command('score')
    .description('run a model over a table, row by row as it would run live')
    .requiredOption('--model <dir>', 'folder of the model')
    .requiredOption('--in <file>', 'CSV, .csv.gz or Parquet')
    .requiredOption('--out <file>', 'CSV: time, score, ratio, alarm, top_tags')
    .option('--time <column>', 'the time column')
    .option('--unit <column>', 'the unit column, where it has another name than in training')
    .action(async (options) => {
      const { scoreCommand } = await import('./models/commands.ts')
      console.log(await scoreCommand(options))
    })
}

/** The last wall: a Fault is words for a person, anything else is a defect of ours and is logged whole. */
async function main(): Promise<void> {
  try {
    await createProgram().parseAsync()
  } catch (error) {
    if (!(error instanceof Fault)) {
      createLog('mimamori').fatal({ err: error }, 'unexpected error')
      process.exit(1)
    }
    console.error(sayFaultWhole(error))
    if (error.detail.problems) console.error(error.detail.problems)
    process.exit(error.code.startsWith('config.') ? EXIT_USAGE : 1)
  }
}

if (import.meta.main) await main()
