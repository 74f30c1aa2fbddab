/** `ironkeel status`: asks every node of a cluster how it is. */
import type { Command } from 'commander';
import { E } from '../../spec/prelude.js';
import { loadCluster } from '../cluster-config.js';
import { conclude, exitCodes, UsageError, wholeFlag } from '../outcome.js';
import { rsm } from '../systems.js';
import { table } from '../table.js';
import { clientOptionsOf } from './client.js';

interface StatusFlags {
  readonly config: string;
  readonly timeout: number;
  readonly json?: boolean;
}

interface Row {
  readonly id: string;
  readonly address: string;
  readonly answered: boolean;
  /** The view as `seqno.proposer`. */
  readonly view?: string;
  readonly leading?: boolean;
  readonly opsComplete?: number;
  readonly truncationPoint?: number;
}

const rowOf = (id: string, { address, status }: rsm.ReplicaStatus): Row => {
  if (status === undefined) return { id, address, answered: false };
  const { view, leading, opsComplete, truncationPoint } = status;
  return { id, address, answered: true, view: `${view.seqno}.${view.proposer}`, leading, opsComplete, truncationPoint };
};

const shown = (rows: readonly Row[]): string =>
  table(
    ['id', 'address', 'view', 'leading', 'operations', 'truncation point'],
    rows.map((r) => [
      r.id,
      r.address,
      ...(r.answered
        ? [r.view ?? '', r.leading === true ? 'yes' : 'no', String(r.opsComplete), String(r.truncationPoint)]
        : ['no answer', '', '', '']),
    ]),
  );

/** Adds `status` to the command line. */
export const registerStatus = (program: Command): void => {
  program
    .command('status')
    .description('ask each node; exit 0 if a majority answers, and 4 if not')
    .requiredOption('--config <file>', "the cluster's YAML file")
    .option('--timeout <ms>', 'how long to wait for answers', wholeFlag('--timeout', 1), 1000)
    .option('--json', 'print one JSON object as the last line')
    .action(async (flags: StatusFlags) => {
      const loaded = loadCluster(flags.config);
      const answers = await rsm.askStatus(clientOptionsOf(loaded), flags.timeout);
      if (E.isLeft(answers)) throw new UsageError(`The client cannot open a socket: ${answers.left}.`);
      const { nodes } = loaded.config;
      const rows = answers.right.map((answer, i) => rowOf(nodes[i]?.id ?? '', answer));
      const answered = rows.filter((r) => r.answered).length;
      // A minority may be cut off: what it says is no news of the cluster.
      const exitCode = answered > nodes.length / 2 ? exitCodes.ok : exitCodes.inconclusive;
      const json = flags.json === true;
      if (!json) process.stdout.write(shown(rows));
      if (exitCode !== exitCodes.ok) {
        process.stderr.write(`ironkeel: ${answered} of ${nodes.length} nodes answered, which is no majority.\n`);
      }
      conclude({ command: 'status', exitCode, json, fields: { rows, answered, nodes: nodes.length } });
    });
};
