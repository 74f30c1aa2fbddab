/** `ironkeel serve`: runs one node of a cluster until a signal or its judge stops it. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import type { Violation } from '../../spec/check.js';
import { E } from '../../spec/prelude.js';
import { type LoadedCluster, loadCluster } from '../cluster-config.js';
import { type GatewayAddress, gatewayAddressOf, type RespGateway, RespPort } from '../gateway/server.js';
import { onInterrupt } from '../interrupt.js';
import { type Log, nodeLog } from '../log.js';
import { type ExitCode, exitCodes, UsageError, wholeFlag } from '../outcome.js';
import { Parent } from '../parent.js';
import { type CheckLevel, InitViolation, type NodeStats, type RefusedStep, type ServedNode } from '../systems.js';
import { violationWords } from '../violation-words.js';

interface ServeFlags {
  readonly config: string;
  readonly node: string;
  readonly dataDir?: string;
  readonly inMemory?: boolean;
  readonly check: string;
  readonly traceDir: string;
  readonly resp?: string;
  readonly respTimeout?: number;
  readonly journal?: string;
}

const durableSentence =
  'Durable storage is not available yet: pass --in-memory. State is then lost when the process ends, and a node that ended must not be started again under its id in the same cluster.';

/** After which a command of a client of Redis is answered with an error where the store did not answer. */
const respTimeoutMsDefault = 30_000;

/** The check level of the flag `--check`. */
export const checkLevelOf = (text: string): CheckLevel => {
  if (text === 'inline' || text === 'off') return text;
  if (text === 'twin') throw new UsageError('--check twin is not available yet: use inline or off.');
  throw new UsageError(`--check takes inline or off, and not "${text}".`);
};

/** The address of the flag `--resp`. */
const respAddress = (text: string): GatewayAddress => {
  const address = gatewayAddressOf(text);
  if (address === undefined) throw new UsageError(`--resp takes a port, or an address and a port, and not "${text}".`);
  return address;
};

/** Takes the port of the gateway that `--resp` asks for. Throws a `UsageError` where that is not possible. */
const gatewayPort = async ({ config, system }: LoadedCluster, resp: string): Promise<RespPort> => {
  const problem = system.gatewayProblem(config);
  const taken = problem === undefined ? await RespPort.take(respAddress(resp)) : E.left(problem);
  if (E.isLeft(taken)) throw new UsageError(`The gateway cannot start: ${taken.left}.`);
  return taken.right;
};

/** A node's life, from its socket's opening to its exit code. */
class NodeLife {
  readonly #log: Log;
  readonly #parent: Parent;
  readonly #flags: ServeFlags;
  readonly #check: CheckLevel;
  #node: ServedNode | undefined;
  #gateway: RespGateway | undefined;
  #ending = false;
  #end: (code: ExitCode) => void = () => undefined;

  constructor(flags: ServeFlags, check: CheckLevel) {
    this.#flags = flags;
    this.#check = check;
    this.#log = nodeLog(flags.node, (line) => process.stderr.write(line));
    this.#parent = new Parent({ stats: () => this.#stats(), stop: () => this.#stop('parent gone') });
  }

  /** Serves until the end; the exit code. */
  async run(loaded: LoadedCluster): Promise<ExitCode> {
    const { config, system } = loaded;
    const node = config.nodes.find((n) => n.id === this.#flags.node);
    if (node === undefined) {
      const ids = config.nodes.map((n) => n.id).join(', ');
      throw new UsageError(`The node "${this.#flags.node}" is not in ${this.#flags.config}: its nodes are ${ids}.`);
    }
    const ended = new Promise<ExitCode>((resolve) => {
      this.#end = resolve;
    });
    const onRefused = (refused: RefusedStep): void => this.#refused(refused);
    const { journal, resp } = this.#flags;
    // First: a node that has taken part must not be started again under its id, not even where it only lacked this port.
    const port = resp === undefined ? undefined : await gatewayPort(loaded, resp);
    try {
      const started = await system.serve(config, { me: node.address, check: this.#check, journal, onRefused });
      if (E.isLeft(started)) throw new UsageError(`The node "${node.id}" cannot start: ${started.left}.`);
      this.#node = started.right;
      if (port !== undefined) await this.#openGateway(port);
    } catch (error) {
      await Promise.all([port?.close(), this.#node?.close()]);
      if (!(error instanceof InitViolation)) throw error;
      this.#tell(`Node ${node.id} did not start`, error.violation, 0);
      return exitCodes.violation;
    }
    const { address } = node;
    const { cluster, application } = config;
    this.#listen();
    this.#log('info', 'ready', {
      address,
      ...(port !== undefined && { resp: port.port }),
      cluster,
      system: system.name,
      application,
      check: this.#check,
      pid: process.pid,
    });
    this.#parent.ready(node.id, address);
    return ended;
  }

  /** Before anybody is told that the node is ready: who knows may end it at once. */
  #listen(): void {
    // Before the command line's own listener, which would not write a log line.
    process.prependListener('uncaughtException', (error) => {
      this.#log('error', 'internal', { message: error.message, stack: error.stack });
      process.exit(exitCodes.internal);
    });
    process.on('SIGTERM', () => this.#stop('SIGTERM'));
    onInterrupt(() => this.#stop('SIGINT'));
  }

  async #openGateway(port: RespPort): Promise<void> {
    const store = await this.#node?.openRespStore?.(this.#flags.respTimeout ?? respTimeoutMsDefault);
    if (store === undefined) throw new Error('a system without a gateway was asked for one');
    if (E.isLeft(store)) throw new UsageError(`The gateway cannot start: ${store.left}.`);
    this.#gateway = port.serve(store.right);
  }

  #stats(): NodeStats | undefined {
    return this.#node?.stats();
  }

  #tell(what: string, violation: Violation, step: number, trace?: string): void {
    const { code, rule, evidence } = violation;
    const message = `${what}: ${violationWords(violation)}.`;
    this.#log('error', 'violation', { message, code, rule, step, evidence, trace });
  }

  #refused({ violation, step, trace }: RefusedStep): void {
    const what = `Step ${step} of node ${this.#flags.node} was refused, and nothing of it has left`;
    this.#tell(what, violation, step, this.#saved(step, trace));
    // A disk that fails is no bug of the node.
    this.#finish(violation.code === 'JOURNAL_NOT_WRITTEN' ? exitCodes.internal : exitCodes.violation);
  }

  /** Saves a trace; the path, or why there is none: a node that cannot write still ends as its judge says. */
  #saved(step: number, trace: RefusedStep['trace']): string {
    const path = join(this.#flags.traceDir, `ironkeel-${this.#flags.node}-step-${step}.trace.json`);
    try {
      const text = trace();
      if (text === undefined) return 'none: the node ran without its judge';
      writeFileSync(path, text);
      return path;
    } catch (error) {
      return `none: ${error instanceof Error ? error.message : String(error)}`;
    }
  }

  #stop(why: string): void {
    const node = this.#node;
    if (node === undefined || this.#ending) return;
    this.#log('info', 'stopping', { why });
    const last = node.halt();
    if (E.isLeft(last)) {
      const what = `The last comparison of node ${this.#flags.node}, after all its steps, failed`;
      this.#tell(what, last.left, node.stats().steps);
    }
    this.#finish(E.isLeft(last) ? exitCodes.violation : exitCodes.ok);
  }

  #finish(code: ExitCode): void {
    if (this.#ending) return;
    this.#ending = true;
    const stats = this.#node?.stats();
    this.#log(code === exitCodes.ok ? 'info' : 'error', 'stopped', { exitCode: code, ...stats });
    const closed = Promise.all([this.#gateway?.close(), this.#node?.close()]);
    void closed.then(() => this.#parent.farewell(stats)).then(() => this.#end(code));
  }
}

/** Adds `serve` to the command line. */
export const registerServe = (program: Command): void => {
  program
    .command('serve')
    .description('run one node of a cluster')
    .requiredOption('--config <file>', "the cluster's YAML file")
    .requiredOption('--node <id>', 'which node of the file this is')
    .option('--data-dir <dir>', 'not available yet')
    .option('--in-memory', 'keep the state in memory: it is lost when the process ends')
    .option('--check <level>', 'what is judged before packets leave: inline or off', 'inline')
    .option('--resp <port>', 'serve clients of Redis on this port of the loopback interface, or on ADDRESS:PORT')
    .option(
      '--resp-timeout <ms>',
      `after which a command without an answer is an error, its outcome unknown (${respTimeoutMsDefault} unless told)`,
      wholeFlag('--resp-timeout', 1),
    )
    .option('--journal <dir>', 'write every step to files in this folder, for ironkeel audit')
    .option('--trace-dir <dir>', 'where the trace of a violation is saved', '.')
    .action(async (flags: ServeFlags) => {
      const check = checkLevelOf(flags.check);
      if (flags.resp !== undefined) respAddress(flags.resp);
      else if (flags.respTimeout !== undefined) throw new UsageError('--resp-timeout goes with --resp only.');
      const loaded = loadCluster(flags.config);
      if (flags.dataDir !== undefined || flags.inMemory !== true) throw new UsageError(durableSentence);
      process.exitCode = await new NodeLife(flags, check).run(loaded);
    });
};
