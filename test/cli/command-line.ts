/** The built command line as child processes, each ended by its id when a test is over. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createSocket, type Socket } from 'node:dgram';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePorts, releasePorts } from '../../src/cli/cluster/free-ports.js';

const bin = fileURLToPath(new URL('../../bin/ironkeel.js', import.meta.url));

/** How a command ended. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command under way. */
export class Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  stdout = '';
  stderr = '';
  #watchers: (() => void)[] = [];

  constructor(args: readonly string[], env: Readonly<Record<string, string>> = {}, execArgv: readonly string[] = []) {
    this.child = spawn(process.execPath, [...execArgv, bin, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...env },
    });
    this.child.stdout?.on('data', (data: Buffer) => this.#add('stdout', data));
    this.child.stderr?.on('data', (data: Buffer) => this.#add('stderr', data));
    this.ended = new Promise((resolve) => {
      this.child.once('close', (code) => {
        resolve({ code, stdout: this.stdout, stderr: this.stderr });
        this.#check();
      });
    });
  }

  /** Resolves when `text` was printed on stdout or stderr; rejects where the command ends without. */
  async printed(text: string): Promise<void> {
    while (!this.stdout.includes(text) && !this.stderr.includes(text)) {
      if (this.child.exitCode !== null)
        throw new Error(`ended without printing "${text}": ${this.stdout}${this.stderr}`);
      await new Promise<void>((resolve) => this.#watchers.push(resolve));
    }
  }

  #add(stream: 'stdout' | 'stderr', data: Buffer): void {
    this[stream] += data.toString();
    this.#check();
  }

  #check(): void {
    for (const watcher of this.#watchers.splice(0)) watcher();
  }
}

/** What one test starts and makes; `clean` ends and removes it. */
export class Bench {
  readonly #running: Running[] = [];
  readonly #sockets: Socket[] = [];
  readonly #ports: number[] = [];
  readonly folder = mkdtempSync(join(tmpdir(), 'ironkeel-test-'));

  start(...args: readonly string[]): Running {
    return this.startWith({}, args);
  }

  startWith(
    options: { readonly env?: Record<string, string>; readonly execArgv?: readonly string[] },
    args: readonly string[],
  ): Running {
    const running = new Running(args, options.env, options.execArgv);
    this.#running.push(running);
    return running;
  }

  run(...args: readonly string[]): Promise<Ended> {
    return this.start(...args).ended;
  }

  /** Writes a file of the test's folder; its path. */
  file(name: string, text: string): string {
    const path = join(this.folder, name);
    writeFileSync(path, text);
    return path;
  }

  /** A bound UDP socket on the loopback interface, and its port. */
  async socket(): Promise<{ readonly socket: Socket; readonly port: number }> {
    const socket = createSocket('udp4');
    this.#sockets.push(socket);
    await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
    return { socket, port: socket.address().port };
  }

  /** Free ports, which no other test is given until this one is over. */
  async ports(count: number): Promise<readonly number[]> {
    const ports = await freePorts(count);
    this.#ports.push(...ports);
    return ports;
  }

  /** A configuration of `count` nodes, a, b, c…, on free ports. */
  async cluster(count: number, extra = 'system: ironrsm\napplication: kv\n'): Promise<string> {
    const ports = await this.ports(count);
    const nodes = ports.map((port, i) => `  - { id: ${'abcdefg'[i]}, address: "127.0.0.1:${port}" }\n`).join('');
    return this.file('cluster.yaml', `cluster: test\n${extra}nodes:\n${nodes}`);
  }

  /** Starts the node `id` and waits until it listens. */
  async serve(config: string, id: string, ...flags: readonly string[]): Promise<Running> {
    const node = this.start(
      'serve',
      '--config',
      config,
      '--node',
      id,
      '--in-memory',
      '--trace-dir',
      this.folder,
      ...flags,
    );
    await node.printed('"event":"ready"');
    return node;
  }

  async clean(): Promise<void> {
    for (const { child } of this.#running) child.kill('SIGKILL');
    await Promise.all(this.#running.map((r) => r.ended));
    for (const socket of this.#sockets) socket.close();
    releasePorts(this.#ports);
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** The last line of a command's stdout as the JSON object that `--json` promises. */
export const lastJson = (stdout: string): Record<string, unknown> =>
  JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '') as Record<string, unknown>;

/** The log lines of a node. */
export const logLines = (stderr: string): readonly Record<string, unknown>[] =>
  stderr
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
