/** The flags that say what a campaign runs, for every command that runs one. */
import type { Command } from 'commander';
import { networkNames, networks } from '../../protocol/network.js';
import type { Shard } from '../../refinement/campaign.js';
import { type FaultName, faultNames } from '../../refinement/simulation/faults.js';
import { faultsOf, safeFaults } from '../../refinement/simulation/faults-of-network.js';
import type { Claims } from '../../refinement/simulation/simulated-system.js';
import { UsageError, wholeFlag } from '../outcome.js';

/** What a campaign runs. */
export interface CampaignFlags {
  readonly seed: number | undefined;
  readonly runs: number;
  /** 1,000 unless given; without a bound where simulated time has one. */
  readonly steps?: number | undefined;
  /** All under which the system claims to be safe, unless given. */
  readonly faults?: readonly FaultName[] | undefined;
  readonly network?: readonly FaultName[] | undefined;
  readonly nodes: number | undefined;
  readonly simulatedMs?: number | undefined;
  readonly rate?: number | undefined;
  readonly shard?: Shard | undefined;
  readonly jobs?: number | undefined;
  readonly timeLimit?: number | undefined;
  readonly checkDeterminism?: boolean | undefined;
}

const faultList = (text: string): readonly FaultName[] => {
  if (text === 'all') return faultNames;
  if (text === 'none') return [];
  const isFault = (name: string): name is FaultName => (faultNames as readonly string[]).includes(name);
  return text.split(',').map((name) => {
    if (isFault(name)) return name;
    throw new UsageError(`--faults does not know "${name}": choose from ${faultNames.join(', ')}, or all, or none.`);
  });
};

const networkFaults = (text: string): readonly FaultName[] => {
  const network = networks.find(({ name }) => name === text);
  if (network !== undefined) return faultsOf(network);
  throw new UsageError(`--network does not know "${text}": choose from ${networkNames.join(', ')}.`);
};

/** `I/N`, I counted from 0 or from 1: the last shard, N/N, is the same as 0/N. */
export const shardFlag = (text: string): Shard => {
  const [, index, count] = (/^(\d{1,6})\/(\d{1,6})$/.exec(text) ?? []).map(Number);
  if (index !== undefined && count !== undefined && count >= 1 && index <= count)
    return { index: index % count, count };
  throw new UsageError(`--shard takes I/N, the I-th of N parts, such as 1/4, and not "${text}".`);
};

/** Host steps of a run before the faults heal. */
export const stepsFor = ({ steps, simulatedMs }: CampaignFlags): number =>
  steps ?? (simulatedMs === undefined ? 1000 : Number.MAX_SAFE_INTEGER);

/** The faults of a campaign. */
export const faultsFor = ({ faults, network }: CampaignFlags, claims: Claims): readonly FaultName[] => {
  if (faults !== undefined && network !== undefined)
    throw new UsageError('--faults and --network both say which faults there are: give one of them.');
  return faults ?? network ?? safeFaults(claims, faultNames);
};

/** The flags of a command line that asks for the same run of one seed again, without the defaults. */
export const sameRun = (flags: CampaignFlags, seed: number): string =>
  [
    `--seed ${seed} --runs 1 --steps ${stepsFor(flags)}`,
    ...(flags.faults === undefined ? [] : [`--faults ${flags.faults.join(',') || 'none'}`]),
    ...(flags.network === undefined ? [] : [`--faults ${flags.network.join(',')}`]),
    ...(flags.nodes === undefined ? [] : [`--nodes ${flags.nodes}`]),
    ...(flags.simulatedMs === undefined ? [] : [`--simulated-ms ${flags.simulatedMs}`]),
    ...(flags.rate === undefined ? [] : [`--rate ${flags.rate}`]),
  ].join(' ');

/** Adds the flags to a command. */
export const withCampaignFlags = (command: Command): Command =>
  command
    .option('--seed <n>', 'the first seed; drawn if not given', wholeFlag('--seed', 0))
    .option('--runs <n>', 'how many seeds', wholeFlag('--runs', 1), 100)
    .option('--steps <n>', 'host steps in a run before the faults heal; 1000 if not given', wholeFlag('--steps', 1))
    .option(
      '--simulated-ms <n>',
      'heal after that much simulated time, if that comes before --steps',
      wholeFlag('--simulated-ms', 1),
    )
    .option('--faults <list>', `faults, separated by commas: ${faultNames.join(', ')}; all or none`, faultList)
    .option('--network <name>', `the faults of a network: ${networkNames.join(', ')}`, networkFaults)
    .option('--nodes <n>', 'hosts in the cluster; drawn if not given', wholeFlag('--nodes', 1, 9))
    .option('--rate <n>', 'client requests in a simulated second', wholeFlag('--rate', 1, 1_000_000))
    .option('--shard <i/n>', 'run the i-th of n parts of the seeds', shardFlag)
    .option('--jobs <n>', 'worker threads; as many as cores if not given', wholeFlag('--jobs', 1, 256))
    .option('--time-limit <s>', 'seconds after which to give up, with exit code 4', wholeFlag('--time-limit', 1))
    .option('--check-determinism', 'run every seed twice, and compare the traces');
