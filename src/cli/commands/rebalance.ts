/** `ironkeel rebalance`: watches the load of IronKV's ranges, proposes moves, and makes them with `--apply`. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { E } from '../../spec/prelude.js';
import { keyText, kvClientOptions } from '../client/kv.js';
import { loadCluster } from '../cluster-config.js';
import type { ClusterConfig } from '../config.js';
import { conclude, exitCodes, UsageError, wholeFlag } from '../outcome.js';
import { shownBounds } from '../rebalance/ranges.js';
import { kv } from '../systems.js';
import { table } from '../table.js';

interface RebalanceFlags {
  readonly config: string;
  readonly periods: number;
  readonly timeout: number;
  readonly apply?: boolean;
  readonly json?: boolean;
}

const answerTimeoutMs = 1000;

/** What was seen, or why nothing can be said. */
type Watched = E.Either<string, readonly kv.RangeLoad[]>;

/** Watches for some periods. */
const watch = async (config: ClusterConfig, periods: number): Promise<Watched> => {
  const periodMs = config.parameters.loadPeriodMs ?? kv.defaultParameters.loadPeriodMs;
  const observations: (readonly kv.RangeLoad[])[] = [];
  for (let period = 0; period < periods; period++) {
    // The load that a host tells is that of the last full period.
    await sleep(periodMs);
    const statuses = await kv.askStatus(kvClientOptions(config), answerTimeoutMs);
    if (E.isLeft(statuses)) throw new UsageError(`No socket can be opened to ask from: ${statuses.left}.`);
    const silent = config.nodes.filter((_, i) => statuses.right[i]?.answer === undefined);
    if (silent.length > 0) return E.left(`${silent.map(({ id }) => id).join(', ')} did not answer`);
    // While ranges are on their way, their load is counted at both ends.
    if (statuses.right.some(({ answer }) => (answer?.moves.length ?? 0) > 0)) observations.length = 0;
    else observations.push(kv.ownedRanges(statuses.right));
  }
  return observations.length === 0 ? E.left('ranges are being moved') : E.right(kv.averagedRanges(observations));
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

/** Makes the moves, one after the other; how many were made, and why not all. */
const applied = async (
  config: ClusterConfig,
  proposals: readonly kv.Proposal[],
  timeoutMs: number,
): Promise<{ readonly applied: number; readonly why?: string }> => {
  const administrator = await kv.Administrator.open(kvClientOptions(config));
  if (E.isLeft(administrator)) throw new UsageError(`Nothing can be ordered: ${administrator.left}.`);
  let made = 0;
  let why: string | undefined;
  for (const { lo, hi, to } of proposals) {
    const recipient = config.nodes[to]?.address;
    if (recipient === undefined) throw new Error(`the plan names host ${to}, and there is none`);
    const done = await administrator.right.shard({ lo, hi, recipient }, timeoutMs);
    if (E.isLeft(done)) {
      why = done.left.message;
      break;
    }
    made++;
  }
  await administrator.right.close();
  return why === undefined ? { applied: made } : { applied: made, why };
};

const loadsOf = (config: ClusterConfig, ranges: readonly kv.RangeLoad[]) =>
  config.nodes.map(({ id }, host) => {
    const own = ranges.filter((range) => range.host === host);
    const sum = (of: (range: kv.RangeLoad) => number): number => Math.round(own.reduce((all, r) => all + of(r), 0));
    return { id, ranges: own.length, requests: sum((r) => r.requests), keys: sum((r) => r.keys) };
  });

const runRebalance = async (flags: RebalanceFlags): Promise<void> => {
  const { config } = loadCluster(flags.config);
  if (config.system !== 'ironkv')
    throw new UsageError(`A cluster of ${config.system} has no ranges: this is for ironkv.`);
  const json = flags.json === true;
  const watched = await watch(config, flags.periods);
  if (E.isLeft(watched)) {
    process.stderr.write(`ironkeel: no plan was made: ${watched.left}.\n`);
    conclude({ command: 'rebalance', exitCode: exitCodes.inconclusive, json, fields: { why: watched.left } });
    return;
  }
  const hosts = loadsOf(config, watched.right);
  const plan = kv.planMoves(watched.right, config.nodes.length);
  const idOf = (host: number): string => config.nodes[host]?.id ?? String(host);
  const proposals = plan.map(
    ({ lo, hi, from, to, requests, isPart }): ShownProposal => ({
      ...{ lo: keyText(lo), hi: hi === null ? null : keyText(hi) },
      ...{ from: idOf(from), to: idOf(to), requests, isPart },
    }),
  );
  const rows = hosts.map(({ id, ranges, requests, keys }) => [id, ...[ranges, requests, keys].map(String)]);
  if (!json) {
    process.stdout.write(table(['host', 'ranges', 'requests', 'keys'], rows));
    process.stdout.write(proposals.length === 0 ? 'Nothing is worth moving.\n' : `\n${shownProposals(proposals)}`);
  }
  const result = flags.apply === true ? await applied(config, plan, flags.timeout) : { applied: 0 };
  if (!json && flags.apply === true) process.stdout.write(`${result.applied} of ${plan.length} moves made.\n`);
  if (result.why !== undefined) process.stderr.write(`ironkeel: ${result.why}\n`);
  const exitCode = result.why === undefined ? exitCodes.ok : exitCodes.inconclusive;
  conclude({ command: 'rebalance', exitCode, json, fields: { hosts, proposals, ...result } });
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
