/** One node as a child process that must not outlive this one. */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import type { EndPoint } from '../../spec/endpoint.js';
import { binFile } from '../package-root.js';
import { type NodeMessage, statsRequest } from '../parent.js';
import type { NodeStats } from '../systems.js';

const alive = new Set<ChildProcess>();

// The last resort, for every way in which this process can end by itself.
process.on('exit', () => {
  for (const child of alive) child.kill('SIGKILL');
});

/** How a node process ended. `code` is null after a signal. */
export interface NodeExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** What `startNodeProcess` needs. */
export interface NodeProcessOptions {
  readonly id: string;
  readonly address: EndPoint;
  readonly configFile: string;
  readonly check: string;
  /** The folder of its journal, if it writes one. */
  readonly journal?: string | undefined;
  /** Where the node's log goes, one JSON object a line. */
  readonly logFile: string;
  /** Further options of `node` itself, such as those of its profiler. */
  readonly execArgv?: readonly string[];
}

/** A node that runs in a process of its own. */
export class NodeProcess {
  readonly id: string;
  readonly address: EndPoint;
  /** Resolves when it listens; rejects, with the last lines of its log, where it ends before. */
  readonly ready: Promise<void>;
  /** Resolves when the process is gone. */
  readonly exited: Promise<NodeExit>;
  readonly #child: ChildProcess;
  readonly #logFile: string;
  #stats: NodeStats | undefined;
  #gone = false;
  #onStats: (() => void)[] = [];

  constructor(options: NodeProcessOptions) {
    this.id = options.id;
    this.address = options.address;
    this.#logFile = options.logFile;
    const log = openSync(options.logFile, 'a');
    const { configFile, id, check } = options;
    const flags = [
      'serve',
      '--config',
      configFile,
      '--node',
      id,
      '--in-memory',
      '--check',
      check,
      '--trace-dir',
      process.cwd(),
      ...(options.journal === undefined ? [] : ['--journal', options.journal]),
    ];
    this.#child = spawn(process.execPath, [...(options.execArgv ?? []), binFile, ...flags], {
      stdio: ['ignore', log, log, 'ipc'],
    });
    closeSync(log);
    const child = this.#child;
    alive.add(child);
    this.exited = new Promise((resolve) => {
      child.once('close', (code, signal) => {
        alive.delete(child);
        this.#gone = true;
        this.#answerStats();
        resolve({ code, signal });
      });
    });
    this.ready = new Promise((resolve, reject) => {
      child.on('message', (message) => this.#onMessage(message as NodeMessage, resolve));
      child.once('error', reject);
      void this.exited.then(({ code }) => {
        reject(new Error(`the node ${this.id} ended with exit code ${code} before it was ready:\n${this.logTail()}`));
      });
    });
    // Whoever waits for readiness hears of it; nobody else has to.
    this.ready.catch(() => undefined);
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  get gone(): boolean {
    return this.#gone;
  }

  /** What the node told last about its counters. */
  get lastStats(): NodeStats | undefined {
    return this.#stats;
  }

  /** Asks for the counters; those told last where the node is gone. */
  async stats(): Promise<NodeStats | undefined> {
    if (this.#gone || !this.#child.connected) return this.#stats;
    await new Promise<void>((resolve) => {
      this.#onStats.push(resolve);
      this.#child.send(statsRequest, (error) => {
        if (error !== null) this.#answerStats();
      });
    });
    return this.#stats;
  }

  /** Stops the process where it stands (SIGSTOP); its socket goes on collecting datagrams. A paused process answers nothing, not even `stats` and SIGTERM. */
  pause(): void {
    this.#child.kill('SIGSTOP');
  }

  /** Lets a paused process go on. */
  resume(): void {
    this.#child.kill('SIGCONT');
  }

  /** Ends the process with `signal`, by its id, and waits for that; SIGKILL after `graceMs`, since a node that is stopped compares all that it holds once more. */
  async end(signal: 'SIGTERM' | 'SIGKILL', graceMs = 20_000): Promise<NodeExit> {
    this.#child.kill(signal);
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), graceMs);
    const exit = await this.exited;
    clearTimeout(timer);
    return exit;
  }

  /** The last lines of the node's log. */
  logTail(lines = 5): string {
    return readFileSync(this.#logFile, 'utf8').trimEnd().split('\n').slice(-lines).join('\n');
  }

  #onMessage(message: NodeMessage, ready: () => void): void {
    if (message.tag === 'ready') {
      ready();
      return;
    }
    this.#stats = message.stats ?? this.#stats;
    this.#answerStats();
  }

  #answerStats(): void {
    for (const resolve of this.#onStats.splice(0)) resolve();
  }
}
