/** `ironkeel rebalance`: watches the load of IronKV's ranges, proposes moves, and makes them with `--apply`. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { E } from '../../spec/prelude.js';
import { keyText } from '../client/kv.js';
import { loadCluster } from '../cluster-config.js';
import type { ClusterConfig } from '../config.js';
import { conclude, exitCodes, UsageError, wholeFlag } from '../outcome.js';
import { hostId, shownBounds } from '../rebalance/ranges.js';
import { kv, kvClientOptions } from '../systems.js';
import { table } from '../table.js';

interface RebalanceFlags {
  readonly config: string;
  readonly periods: number;
  readonly timeout: number;
  readonly apply?: boolean;
  readonly json?: boolean;
}

/** A host that is asked may be busy: that is why it is asked. */
const answerTimeoutMs = 3000;

/** The load of the ranges of the hosts that answered every time; the indices of these. */
interface Watched {
  readonly ranges: readonly kv.RangeLoad[];
  readonly answering: readonly number[];
}

/** Watches for some periods. `Left`: why nothing can be said. */
const watch = async (config: ClusterConfig, periods: number): Promise<E.Either<string, Watched>> => {
  const periodMs = config.parameters.loadPeriodMs ?? kv.defaultParameters.loadPeriodMs;
  const observations: (readonly kv.RangeLoad[])[] = [];
  const silent = new Set<number>();
  let moving = 'ranges are being moved';
  for (let period = 0; period < periods; period++) {
    // The load that a host tells is that of the last full period.
    await sleep(periodMs);
    const statuses = await kv.askStatus(kvClientOptions(config), answerTimeoutMs);
    if (E.isLeft(statuses)) throw new UsageError(`No socket can be opened to ask from: ${statuses.left}.`);
    for (const host of kv.silentHosts(statuses.right)) silent.add(host);
    // While ranges are on their way, their load is counted at both ends.
    const moves = kv.movesUnderWay(statuses.right);
    if (moves.length === 0) observations.push(kv.ownedRanges(statuses.right));
    else {
      observations.length = 0;
      const waiting = moves.find(({ recipientAnswers }) => !recipientAnswers);
      if (waiting !== undefined)
        moving = `a range is being moved to ${hostId(config, waiting.recipient)}, which did not answer`;
    }
  }
  const answering = config.nodes.map((_, host) => host).filter((host) => !silent.has(host));
  if (answering.length < Math.min(2, config.nodes.length)) {
    return E.left(`${[...silent].map((host) => hostId(config, host)).join(', ')} did not answer`);
  }
  if (observations.length === 0) return E.left(moving);
  const ranges = kv.averagedRanges(observations).filter(({ host }) => !silent.has(host));
  return E.right({ ranges, answering });
};

interface ShownProposal {
  readonly lo: string;
  readonly hi: string | null;
  readonly from: string;
  readonly to: string;
  readonly requests: number;
  readonly isPart: boolean;
}

const shownProposals = (proposals: readonly ShownProposal[]): string =>
  table(
    ['from key', 'to key', 'from host', 'to host', 'requests'],
    proposals.map(({ lo, hi, from, to, requests }) => [...shownBounds(lo, hi), from, to, String(requests)]),
  );

const openAdministrator = async (config: ClusterConfig): Promise<kv.Administrator> => {
  const administrator = await kv.Administrator.open(kvClientOptions(config));
  if (E.isLeft(administrator)) throw new UsageError(`Nothing can be ordered: ${administrator.left}.`);
  return administrator.right;
};

/** Makes the moves, one after the other; how many were made, and why not all. */
const applied = async (
  administrator: kv.Administrator,
  config: ClusterConfig,
  proposals: readonly kv.Proposal[],
  timeoutMs: number,
): Promise<{ readonly applied: number; readonly why?: string }> => {
  let made = 0;
  for (const { lo, hi, to } of proposals) {
    const recipient = config.nodes[to]?.address;
    if (recipient === undefined) throw new Error(`the plan names host ${to}, and there is none`);
    const done = await administrator.shard({ lo, hi, recipient }, timeoutMs);
    if (E.isLeft(done)) return { applied: made, why: done.left.message };
    made++;
  }
  return { applied: made };
};

const loadsOf = (config: ClusterConfig, ranges: readonly kv.RangeLoad[]) =>
  config.nodes.map(({ id }, host) => {
    const own = ranges.filter((range) => range.host === host);
    const sum = (of: (range: kv.RangeLoad) => number): number => Math.round(own.reduce((all, r) => all + of(r), 0));
    return { id, ranges: own.length, requests: sum((r) => r.requests), keys: sum((r) => r.keys) };
  });

/** Watches and plans; makes the moves where there is an administrator. */
const planAndMove = async (
  config: ClusterConfig,
  flags: RebalanceFlags,
  administrator: kv.Administrator | undefined,
): Promise<void> => {
  const json = flags.json === true;
  const watched = await watch(config, flags.periods);
  if (E.isLeft(watched)) {
    process.stderr.write(`ironkeel: no plan was made: ${watched.left}.\n`);
    conclude({ command: 'rebalance', exitCode: exitCodes.inconclusive, json, fields: { why: watched.left } });
    return;
  }
  const { ranges, answering } = watched.right;
  const silent = config.nodes.filter((_, host) => !answering.includes(host)).map(({ id }) => id);
  // What others have to do can be shared among them all the same: whoever is silent neither gives nor gets anything.
  if (silent.length > 0) process.stderr.write(`ironkeel: planned without ${silent.join(', ')}: no answer.\n`);
  const hosts = loadsOf(config, ranges).filter(({ id }) => !silent.includes(id));
  const plan = kv.planMoves(ranges, answering);
  const proposals = plan.map(
    ({ lo, hi, from, to, requests, isPart }): ShownProposal => ({
      ...{ lo: keyText(lo), hi: hi === null ? null : keyText(hi) },
      ...{ from: hostId(config, from), to: hostId(config, to), requests, isPart },
    }),
  );
  const rows = hosts.map(({ id, ranges: count, requests, keys }) => [id, ...[count, requests, keys].map(String)]);
  if (!json) {
    process.stdout.write(table(['host', 'ranges', 'requests', 'keys'], rows));
    process.stdout.write(proposals.length === 0 ? 'Nothing is worth moving.\n' : `\n${shownProposals(proposals)}`);
  }
  const result =
    administrator === undefined ? { applied: 0 } : await applied(administrator, config, plan, flags.timeout);
  if (!json && administrator !== undefined) process.stdout.write(`${result.applied} of ${plan.length} moves made.\n`);
  if (result.why !== undefined) process.stderr.write(`ironkeel: ${result.why}\n`);
  const exitCode = result.why === undefined ? exitCodes.ok : exitCodes.inconclusive;
  conclude({ command: 'rebalance', exitCode, json, fields: { hosts, silent, proposals, ...result } });
};

const runRebalance = async (flags: RebalanceFlags): Promise<void> => {
  const { config } = loadCluster(flags.config);
  if (config.system !== 'ironkv')
    throw new UsageError(`A cluster of ${config.system} has no ranges: this is for ironkv.`);
  // Before anything is watched, which takes long: who cannot order anything is told so at once.
  const administrator = flags.apply === true ? await openAdministrator(config) : undefined;
  try {
    await planAndMove(config, flags, administrator);
  } finally {
    await administrator?.close();
  }
};

/** Adds `rebalance` to the command line. */
export const registerRebalance = (program: Command): void => {
  program
    .command('rebalance')
    .description("watch the load of IronKV's ranges and propose moves")
    .requiredOption('--config <file>', "the cluster's YAML file")
    .option('--periods <n>', 'periods to watch', wholeFlag('--periods', 1, 1000), 3)
    .option('--apply', 'make the moves')
    .option('--timeout <ms>', 'how long one move may take', wholeFlag('--timeout', 1), 60_000)
    .option('--json', 'print one JSON object as the last line')
    .action(runRebalance);
};
