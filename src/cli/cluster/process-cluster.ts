/** A cluster on this machine, each node in a process of its own, on free ports of the loopback interface. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { type EndPoint, endPoint, portOf } from '../../spec/endpoint.js';
import type { CheckLevel, NodeStats } from '../systems.js';
import { freePorts, releasePorts } from './free-ports.js';
import { type NodeExit, NodeProcess } from './node-process.js';

/** What runs. */
export interface ProcessClusterOptions {
  readonly name: string;
  readonly nodes: number;
  /** Default `ironrsm`. */
  readonly system?: 'ironrsm' | 'ironkv';
  /** What IronRSM replicates. */
  readonly application?: 'kv' | 'counter';
  /** End points, on free ports, from which orders may come; only IronKV takes any. */
  readonly administrators?: number;
  readonly check: CheckLevel;
  readonly parameters?: Readonly<Record<string, number>>;
  /** The folder of the nodes' journals, if they write any. */
  readonly journal?: string | undefined;
  /** Further options of `node` itself for each process. */
  readonly execArgv?: readonly string[];
}

/** How a node ended, and what it had counted. */
export interface NodeReport {
  readonly id: string;
  readonly exit: NodeExit;
  readonly stats: NodeStats | undefined;
  /** The last lines of its log. */
  readonly lastWords: string;
}

const folders = new Set<string>();

process.on('exit', () => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** Removes the folder, unless the process does so first. */
const removeFolder = (folder: string): void => {
  rmSync(folder, { recursive: true, force: true });
  folders.delete(folder);
};

/** The nodes' processes, and the file that describes them. */
export class ProcessCluster {
  readonly name: string;
  readonly configFile: string;
  readonly nodes: readonly NodeProcess[];
  readonly administrators: readonly EndPoint[];
  readonly #folder: string;

  private constructor(
    name: string,
    folder: string,
    configFile: string,
    nodes: readonly NodeProcess[],
    administrators: readonly EndPoint[],
  ) {
    this.administrators = administrators;
    this.name = name;
    this.#folder = folder;
    this.configFile = configFile;
    this.nodes = nodes;
  }

  /** Starts the processes and waits until all listen. Throws, with none left running, where one does not. */
  static async start(options: ProcessClusterOptions): Promise<ProcessCluster> {
    const folder = mkdtempSync(join(tmpdir(), 'ironkeel-'));
    folders.add(folder);
    const ports = await freePorts(options.nodes + (options.administrators ?? 0));
    const addresses = ports.map((port) => endPoint(`127.0.0.1:${port}`));
    const described = addresses.slice(0, options.nodes).map((address, i) => ({ id: `r${i + 1}`, address }));
    const administrators = addresses.slice(options.nodes);
    const configFile = join(folder, 'cluster.yaml');
    const { name, system = 'ironrsm', application, parameters, check, execArgv, journal } = options;
    const file = {
      ...{ cluster: name, system, nodes: described },
      ...(application && { application }),
      ...(administrators.length > 0 && { administrators }),
      ...(parameters && { parameters }),
    };
    writeFileSync(configFile, stringify(file));
    const nodes = described.map(
      (node) =>
        new NodeProcess({
          ...node,
          configFile,
          check,
          journal,
          logFile: join(folder, `${node.id}.log`),
          ...(execArgv && { execArgv }),
        }),
    );
    const cluster = new ProcessCluster(name, folder, configFile, nodes, administrators);
    try {
      await Promise.all(nodes.map((n) => n.ready));
    } catch (error) {
      await cluster.stop();
      throw error;
    }
    return cluster;
  }

  /** The addresses of all nodes, ended ones too. */
  get replicas(): readonly EndPoint[] {
    return this.nodes.map((n) => n.address);
  }

  /** What the nodes counted so far, all together. */
  async totals(): Promise<Totals> {
    return totalsOf(await Promise.all(this.nodes.map((n) => n.stats())));
  }

  /** Stops every node that runs, cleanly, and removes the folder; how each ended. */
  async stop(): Promise<readonly NodeReport[]> {
    const reports = await Promise.all(
      this.nodes.map(async (node) => {
        const exit = node.gone ? await node.exited : await node.end('SIGTERM');
        return { id: node.id, exit, stats: node.lastStats, lastWords: node.logTail() };
      }),
    );
    releasePorts([...this.replicas, ...this.administrators].map(portOf));
    removeFolder(this.#folder);
    return reports;
  }
}

/** Sums over nodes. */
export interface Totals {
  readonly steps: number;
  readonly stepsChecked: number;
  readonly violations: number;
  readonly cpuMs: number;
}

/** Adds up what nodes told; one that told nothing counts nothing. */
export const totalsOf = (stats: readonly (NodeStats | undefined)[]): Totals => {
  const sum = (key: keyof Totals): number => stats.reduce((total, s) => total + (s?.[key] ?? 0), 0);
  return { steps: sum('steps'), stepsChecked: sum('stepsChecked'), violations: sum('violations'), cpuMs: sum('cpuMs') };
};
