/** The search for a smaller schedule with the same violation: what is best so far, what was tried, and when to give up. */
import type { EndPoint } from '../../spec/endpoint.js';
import { stopsNode } from '../check-kind.js';
import type { Schedule } from './schedule.js';
import type { Execution, ExecutionOptions, FoundInSchedule } from './scheduled-run.js';

/** How much an execution judges. */
export type Judged = NonNullable<ExecutionOptions<never, never, never, never>['judged']>;

/** What is shrunk, with a system's types hidden; `K` is a cluster. */
export interface Subject<K> {
  /** `clients`: whether their history is judged. */
  readonly run: (cluster: K, schedule: Schedule, judged: Judged, clients: boolean) => Execution;
  readonly hostsOf: (cluster: K) => readonly EndPoint[];
  /** The cluster without one of its hosts; none where the system cannot be built that way. */
  readonly without: (cluster: K, host: EndPoint) => K | undefined;
  /** The kind of a message. */
  readonly tagOf: (message: Uint8Array) => string;
  /** Messages of the same kind that are simpler, the simplest first. */
  readonly simpler: (message: Uint8Array) => Iterable<Uint8Array>;
}

/** When a search ends, whatever it has found: the first bound makes it deterministic, the second saves people's time. */
export interface SearchLimits {
  /** Host steps executed, over all attempts. */
  readonly stepsMax: number;
  readonly msMax: number;
  readonly nowMs: () => number;
}

/** A schedule with the violation that was looked for. */
export interface Failing<K> {
  readonly cluster: K;
  readonly schedule: Schedule;
  readonly execution: Execution;
}

/** What makes two violations the same bug, as far as can be told: check, code, rule, and what a mismatch or an exception is about. */
export const kindOfViolation = ({ check, code, rule, evidence }: FoundInSchedule): string => {
  const { component, message } = evidence;
  const about = component ?? (typeof message === 'string' ? message.replace(/[\d.:]+/g, '0') : '');
  return [check, code, rule, String(about)].join('\n');
};

/** What must be judged to meet a violation again. */
export const judgedFor = ({ check, code }: FoundInSchedule): Judged => {
  if (code === 'UNDECLARED_CHANGE') return 'everything';
  return stopsNode(check) || check === 'LIN' ? 'changes of hosts' : 'changes';
};

/** A greedy search: every change that keeps the violation is kept. */
export class Search<K> {
  readonly subject: Subject<K>;
  readonly #kind: string;
  readonly #clients: boolean;
  readonly #judged: Judged;
  readonly #limits: SearchLimits;
  readonly #endMs: number;
  #best: Failing<K>;
  #attempts = 0;
  #steps = 0;

  constructor(subject: Subject<K>, start: Failing<K>, found: FoundInSchedule, judged: Judged, limits: SearchLimits) {
    this.subject = subject;
    this.#best = start;
    this.#kind = kindOfViolation(found);
    this.#clients = found.check === 'LIN';
    this.#judged = judged;
    this.#limits = limits;
    this.#endMs = limits.nowMs() + limits.msMax;
  }

  get best(): Failing<K> {
    return this.#best;
  }

  get attempts(): number {
    return this.#attempts;
  }

  /** Whether a limit was met. */
  get spent(): boolean {
    return this.#steps >= this.#limits.stepsMax || this.#limits.nowMs() >= this.#endMs;
  }

  /** Runs a candidate, and keeps what happened in it if it fails in the same way. */
  try(schedule: Schedule, cluster: K = this.#best.cluster): boolean {
    if (this.spent) return false;
    this.#attempts++;
    const execution = this.subject.run(cluster, schedule, this.#judged, this.#clients);
    this.#steps += execution.happened.length + 1;
    if (execution.found === undefined || kindOfViolation(execution.found) !== this.#kind) return false;
    this.#best = { cluster, schedule: execution.happened, execution };
    return true;
  }
}
