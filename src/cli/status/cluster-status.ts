/** What `ironkeel status` found out about a cluster, whatever its system. */
import type { ExitCode } from '../outcome.js';
import type { StatusFields } from '../systems.js';

/** What the nodes say, and whether that is in order. */
export interface ClusterStatus {
  /** Each node in one line, in the file's order; `undefined` where it does not answer. */
  readonly nodes: readonly (StatusFields | undefined)[];
  readonly exitCode: ExitCode;
  /** What is wrong and what to do, a sentence each, without its full stop. */
  readonly problems: readonly string[];
  /** What else a program is told. */
  readonly fields: Readonly<Record<string, unknown>>;
  /** What else a person is shown. */
  readonly text: string;
}
