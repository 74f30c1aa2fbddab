/** From the flag `--config` to a checked cluster, for every command that takes one. */
import { E } from '../spec/prelude.js';
import { type ClusterConfig, readConfig } from './config.js';
import { UsageError } from './outcome.js';
import { type SystemEntry, systems } from './systems.js';

/** A cluster, and the system that it runs. */
export interface LoadedCluster {
  readonly config: ClusterConfig;
  readonly system: SystemEntry;
}

/** Reads and checks the file at `path`; every mistake in it is a `UsageError`. */
export const loadCluster = (path: string): LoadedCluster => {
  const read = readConfig(path, systems);
  if (E.isLeft(read)) throw new UsageError(...read.left);
  const config = read.right;
  const system = systems.find((s) => s.name === config.system);
  if (system === undefined) throw new Error(`a configuration named the unknown system ${config.system}`);
  const checked = system.check(config);
  if (E.isLeft(checked)) throw new UsageError(...checked.left.map((sentence) => `${path}: ${sentence}`));
  return { config, system };
};
