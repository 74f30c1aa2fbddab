/** What `ironkeel status` says of IronKV: its ranges, and whether each key is served by exactly one host. A majority means nothing here. */
import { setTimeout as sleep } from 'node:timers/promises';
import { E } from '../../spec/prelude.js';
import type { ClusterConfig } from '../config.js';
import { exitCodes, UsageError } from '../outcome.js';
import { boundText, hostId, kvRanges, shownBounds, shownKvRanges } from '../rebalance/ranges.js';
import { kv, kvClientOptions, type StatusFields } from '../systems.js';
import { table } from '../table.js';
import type { ClusterStatus } from './cluster-status.js';

/** Answers are not of one moment: what looks wrong is looked at again after so long. */
const secondLookMs = 500;

/** Ranges that a sentence names. */
const namedMax = 3;

interface ShownKeys {
  readonly lo: string;
  readonly hi: string | null;
}

const shownKeys = ({ lo, hi }: kv.KeyRange): ShownKeys => ({ lo: boundText(lo) ?? '', hi: boundText(hi) });

/** A host in one line, from all pages of its answer. */
const fieldsOf = ({ keys, sessions, moves, ranges, counters }: kv.HostAnswer): StatusFields => ({
  ...{ keys, sessions, moves: moves.length, rangesOwned: ranges.filter(({ load }) => load !== null).length },
  ...counters,
});

const listed = (ranges: readonly ShownKeys[]): string => {
  const named = ranges.slice(0, namedMax).map(({ lo, hi }) => `from ${shownBounds(lo, hi).join(' to ')}`);
  const more = ranges.length - named.length;
  return `the keys ${named.join(', ')}${more === 0 ? '' : `, and ${more} more ranges`}`;
};

const unservedProblem = (ranges: readonly ShownKeys[], silent: readonly string[]): string => {
  const who = `no host that answers has ${listed(ranges)}`;
  return silent.length === 0
    ? `${who}, and all answer: a host was probably started again under its id without its keys, which are lost; start a new cluster under a new name`
    : `${who}; silent, and perhaps their owners: ${silent.join(', ')}; see whether they run: what a host had is lost when it has ended`;
};

const problemsOf = (
  unserved: readonly ShownKeys[],
  contested: readonly (ShownKeys & { readonly hosts: readonly string[] })[],
  silent: readonly string[],
): readonly string[] => {
  const claimants = [...new Set(contested.flatMap(({ hosts }) => hosts))].sort();
  return [
    ...(contested.length === 0
      ? []
      : [
          `${listed(contested)} are claimed by two hosts, of ${claimants.join(', ')}: stop them; one was probably started again under its id`,
        ]),
    ...(unserved.length === 0 ? [] : [unservedProblem(unserved, silent)]),
  ];
};

const tableUnlessEmpty = (head: readonly string[], rows: readonly (readonly string[])[]): readonly string[] =>
  rows.length === 0 ? [] : [table(head, rows)];

const look = async (config: ClusterConfig, timeoutMs: number): Promise<readonly kv.HostStatus[]> => {
  const statuses = await kv.askStatus(kvClientOptions(config), timeoutMs);
  if (E.isLeft(statuses)) throw new UsageError(`No socket can be opened to ask from: ${statuses.left}.`);
  return statuses.right;
};

/** Looks once, and again where something seems to be wrong; what both looks show. Throws a `UsageError` where no socket can be opened. */
export const kvStatus = async (config: ClusterConfig, timeoutMs: number): Promise<ClusterStatus> => {
  const looks = [await look(config, timeoutMs)];
  const isFine = ({ unserved, contested }: kv.Coverage): boolean => unserved.length + contested.length === 0;
  if (!isFine(kv.coverageOf(looks))) {
    await sleep(secondLookMs);
    looks.push(await look(config, timeoutMs));
  }
  const statuses = looks.at(-1) ?? [];
  const coverage = kv.coverageOf(looks);
  const unserved = coverage.unserved.map(shownKeys);
  const contested = coverage.contested.map((range) => ({
    ...shownKeys(range),
    hosts: range.hosts.map((host) => hostId(config, host)),
  }));
  const silent = kv.silentHosts(statuses).map((host) => hostId(config, host));
  const shown = kvRanges(config, statuses);
  const tables = [
    shownKvRanges(shown),
    ...tableUnlessEmpty(
      ['served by nobody from', 'to'],
      unserved.map(({ lo, hi }) => shownBounds(lo, hi)),
    ),
    ...tableUnlessEmpty(
      ['claimed twice from', 'to', 'by'],
      contested.map(({ lo, hi, hosts }) => [...shownBounds(lo, hi), hosts.join(', ')]),
    ),
  ];
  const inOrder = unserved.length === 0 ? exitCodes.ok : exitCodes.inconclusive;
  return {
    nodes: statuses.map(({ answer }) => answer && fieldsOf(answer)),
    exitCode: contested.length === 0 ? inOrder : exitCodes.violation,
    problems: problemsOf(unserved, contested, silent),
    fields: { ...shown, unserved, contested, silent },
    text: tables.map((one) => `\n${one}`).join(''),
  };
};
