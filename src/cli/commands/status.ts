/** `ironkeel status`: asks every node of a cluster how it is. */
import type { Command } from 'commander';
import { E } from '../../spec/prelude.js';
import { loadCluster } from '../cluster-config.js';
import { conclude, exitCodes, UsageError, wholeFlag } from '../outcome.js';
import { kvRanges, shownKvRanges } from '../rebalance/ranges.js';
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

/** Asks, and shows what was answered. */
export const runStatus = async (flags: StatusFlags): Promise<void> => {
  const { config, system } = loadCluster(flags.config);
  const answers = await system.status(config, flags.timeout);
  if (E.isLeft(answers)) throw new UsageError(`No socket can be opened to ask from: ${answers.left}.`);
  const rows = config.nodes.map(({ id, address }, i): Row => ({ id, address, fields: answers.right[i] }));
  const answered = rows.filter((r) => r.fields !== undefined).length;
  // A minority may be cut off: what it says is no news of the cluster.
  const exitCode = answered > rows.length / 2 ? exitCodes.ok : exitCodes.inconclusive;
  const json = flags.json === true;
  const ranges = config.system === 'ironkv' ? await kvRanges(config, flags.timeout) : undefined;
  if (!json) process.stdout.write(shown(rows) + (ranges === undefined ? '' : `\n${shownKvRanges(ranges)}`));
  if (exitCode !== exitCodes.ok) {
    process.stderr.write(`ironkeel: ${answered} of ${rows.length} nodes answered, which is no majority.\n`);
  }
  const plain = rows.map(({ id, address, fields }) => ({ id, address, answered: fields !== undefined, ...fields }));
  conclude({ command: 'status', exitCode, json, fields: { rows: plain, answered, nodes: rows.length, ...ranges } });
};

/** Adds `status` to the command line. */
export const registerStatus = (program: Command): void => {
  program
    .command('status')
    .description('ask each node; exit 0 if a majority answers, and 4 if not')
    .requiredOption('--config <file>', "the cluster's YAML file")
    .option('--timeout <ms>', 'how long to wait for answers', wholeFlag('--timeout', 1), statusTimeoutMsDefault)
    .option('--json', 'print one JSON object as the last line')
    .action(runStatus);
};
