/** `ironkeel status`: asks every node of a cluster how it is. */
import type { Command } from 'commander';
import { E } from '../../spec/prelude.js';
import { type LoadedCluster, loadCluster } from '../cluster-config.js';
import { conclude, exitCodes, UsageError, wholeFlag } from '../outcome.js';
import type { ClusterStatus } from '../status/cluster-status.js';
import { kvStatus } from '../status/kv-status.js';
import type { StatusFields } from '../systems.js';
import { table } from '../table.js';

/** How long answers are waited for where nobody says. */
export const statusTimeoutMsDefault = 1000;

/** The flags of the command. */
export interface StatusFlags {
  readonly config: string;
  readonly timeout: number;
  readonly json?: boolean;
}

interface Row {
  readonly id: string;
  readonly address: string;
  readonly fields: StatusFields | undefined;
}

const shownValue = (value: string | number | boolean | undefined): string =>
  typeof value === 'boolean' ? (value ? 'yes' : 'no') : String(value ?? '');

const shown = (rows: readonly Row[]): string => {
  const names = Object.keys(rows.find((r) => r.fields !== undefined)?.fields ?? { answer: '' });
  return table(
    ['id', 'address', ...names],
    rows.map(({ id, address, fields }) => [
      id,
      address,
      ...(fields === undefined ? ['no answer'] : names.map((name) => shownValue(fields[name]))),
    ]),
  );
};

/** A minority may be cut off: what it says is no news of the cluster. */
const statusByMajority = (nodes: ClusterStatus['nodes']): ClusterStatus => {
  const answered = nodes.filter((fields) => fields !== undefined).length;
  const isMajority = answered > nodes.length / 2;
  return {
    nodes,
    exitCode: isMajority ? exitCodes.ok : exitCodes.inconclusive,
    problems: isMajority ? [] : [`${answered} of ${nodes.length} nodes answered, which is no majority`],
    fields: {},
    text: '',
  };
};

const askCluster = async ({ config, system }: LoadedCluster, timeoutMs: number): Promise<ClusterStatus> => {
  if (system.status === undefined) return kvStatus(config, timeoutMs);
  const answers = await system.status(config, timeoutMs);
  if (E.isLeft(answers)) throw new UsageError(`No socket can be opened to ask from: ${answers.left}.`);
  return statusByMajority(answers.right);
};

/** Asks, and shows what was answered. */
export const runStatus = async (flags: StatusFlags): Promise<void> => {
  const loaded = loadCluster(flags.config);
  const { nodes, exitCode, problems, fields, text } = await askCluster(loaded, flags.timeout);
  const rows = loaded.config.nodes.map(({ id, address }, i): Row => ({ id, address, fields: nodes[i] }));
  const json = flags.json === true;
  if (!json) process.stdout.write(shown(rows) + text);
  for (const problem of problems) process.stderr.write(`ironkeel: ${problem}.\n`);
  const plain = rows.map((row) => ({
    ...{ id: row.id, address: row.address, answered: row.fields !== undefined },
    ...row.fields,
  }));
  const answered = plain.filter((row) => row.answered).length;
  conclude({ command: 'status', exitCode, json, fields: { rows: plain, answered, nodes: rows.length, ...fields } });
};

/** Adds `status` to the command line. */
export const registerStatus = (program: Command): void => {
  program
    .command('status')
    .description(
      'ask each node; exit 4 if no majority answers, of ironkv if keys are served by nobody, and 1 if two hosts claim some',
    )
    .requiredOption('--config <file>', "the cluster's YAML file")
    .option('--timeout <ms>', 'how long to wait for answers', wholeFlag('--timeout', 1), statusTimeoutMsDefault)
    .option('--json', 'print one JSON object as the last line')
    .action(runStatus);
};
