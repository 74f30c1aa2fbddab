/** The journal that a node of `serve` writes, if it was asked to. */
import { JournalWriteError, JournalWriter } from '../../network/journal-file.js';
import type { StepRecord } from '../../network/step-io.js';
import { toPlain } from '../../refinement/values.js';
import type { EndPoint } from '../../spec/endpoint.js';
import { E } from '../../spec/prelude.js';
import type { ClusterConfig } from '../config.js';

/** What a node does with its journal. */
export interface NodeJournal<W> {
  /** Writes a step; `undefined` where no journal is written. Throws a `JournalWriteError`. */
  readonly keep: ((record: StepRecord<W>) => void) | undefined;
  /** The node takes no further step. What it sent is in the journal already, so that a failure here costs the mark of the end alone. */
  readonly end: (why: string) => void;
  /** The node never ran. */
  readonly abandon: () => void;
}

const nothing = (): void => undefined;

/** Begins the journal of the node at `me` in `directory`. `Left`: one sentence without its first words. */
export const openNodeJournal = <W>(
  { cluster, system, application, nodes, administrators, parameters }: ClusterConfig,
  me: EndPoint,
  directory: string | undefined,
): E.Either<string, NodeJournal<W>> => {
  if (directory === undefined) return E.right({ keep: undefined, end: nothing, abandon: nothing });
  const node = nodes.find(({ address }) => address === me)?.id ?? me;
  const described = nodes.map(({ id, address }) => ({ id, address }));
  const identity = {
    ...{ system, cluster, application: application ?? null, nodes: described, parameters, node },
    ...(administrators && { administrators }),
  };
  const actionText = (action: W): string => JSON.stringify(toPlain(action));
  try {
    const writer = new JournalWriter<W>({ directory, identity, actionText });
    const end = (why: string): void => {
      try {
        writer.end(why);
      } catch (error) {
        if (!(error instanceof JournalWriteError)) throw error;
      }
    };
    return E.right({ keep: (record) => writer.append(record), end, abandon: () => writer.abandon() });
  } catch (error) {
    if (error instanceof JournalWriteError) return E.left(`its journal ${error.message}`);
    throw error;
  }
};
