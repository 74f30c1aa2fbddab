/**
 * Shrinking: a short schedule with the same violation. Delta debugging (Zeller and Hildebrandt, TSE 2002) over steps and
 * receives, after whole kinds of them were tried; then fewer steps by joining, fewer hosts and clients, simpler requests,
 * earlier clocks.
 */

import { packetKey, type Received, receivesIn, type Schedule, type ScheduledStep } from './schedule.js';
import type { FoundInSchedule } from './scheduled-run.js';
import { type Failing, judgedFor, Search, type SearchLimits, type Subject } from './search.js';
import { earlierClocks, fewerClients, fewerHosts, joinSteps, simplerRequests } from './simplify.js';

/** What shrinking came to. */
export interface Shrunk<K> extends Failing<K> {
  readonly attempts: number;
  /** Whether it ended because nothing more could be taken out, and not at a limit. */
  readonly minimal: boolean;
}

/**
 * Shrinks a schedule that fails with `found`. Deterministic, unless the time ran out. Its attempts judge no more than shows
 * the violation, unless `everything` is asked for.
 */
export const shrink = <K>(
  subject: Subject<K>,
  start: Failing<K>,
  found: FoundInSchedule,
  limits: SearchLimits,
  everything = false,
): Shrunk<K> => {
  const search = new Search(subject, start, found, everything ? 'everything' : judgedFor(found), limits);
  if (found.check === 'LIN') {
    cutEnd(search);
    dropRequests(search);
  }
  dropIdle(search);
  dropKinds(search);
  for (let size = Number.POSITIVE_INFINITY; sizeOf(search) < size && !search.spent; ) {
    size = sizeOf(search);
    dropSteps(search);
    dropReceives(search);
    dropIdle(search);
    joinSteps(search);
    fewerHosts(search);
    fewerClients(search);
    if (sizeOf(search) === size) dropPairs(search);
  }
  simplerRequests(search);
  earlierClocks(search);
  return { ...search.best, attempts: search.attempts, minimal: !search.spent };
};

const sizeOf = <K>({ best, subject }: Search<K>): number =>
  best.schedule.length + receivesIn(best.schedule) + subject.hostsOf(best.cluster).length;

const dropIdle = <K>(search: Search<K>): void => {
  const { schedule, execution } = search.best;
  const busy = schedule.filter((_, i) => execution.idle[i] === false);
  if (busy.length < schedule.length) search.try(busy);
};

/**
 * Without the steps after the one that completes the violation, where it was looked for only at the end. A history that is not
 * linearizable stays so whatever comes after it, so halving finds that step.
 */
const cutEnd = <K>(search: Search<K>): void => {
  const { schedule } = search.best;
  let enough = schedule.length;
  for (let tooFew = 0; enough - tooFew > 1 && !search.spent; ) {
    const half = Math.floor((tooFew + enough) / 2);
    if (search.try(schedule.slice(0, half))) enough = half;
    else tooFew = half;
  }
};

/** Whole requests: every receive of what someone outside sent, at whatever host. */
const dropRequests = <K>(search: Search<K>): void => {
  const hosts = new Set<string>(search.subject.hostsOf(search.best.cluster));
  const requestOf = ({ source, bytes }: Received): string =>
    hosts.has(source) ? '' : packetKey(source, source, bytes);
  dropChunks(
    search,
    (schedule) => [...new Set(schedule.flatMap((step) => step.receives.map(requestOf)))].filter((r) => r !== ''),
    (schedule, dropped) =>
      schedule.map((step) => ({ ...step, receives: step.receives.filter((r) => !dropped.has(requestOf(r))) })),
  );
};

/** Whole hosts, whole clients, whole kinds of messages, at all hosts and at each. */
const dropKinds = <K>(search: Search<K>): void => {
  const { subject } = search;
  const hosts = subject.hostsOf(search.best.cluster);
  for (const host of hosts) search.try(search.best.schedule.filter((step) => step.node !== host));
  const kinds: ((step: ScheduledStep, source: string, tag: string) => string)[] = [
    (_, source) => (hosts.some((host) => host === source) ? '' : source),
    (_, _source, tag) => tag,
    (step, _, tag) => `${step.node} ${tag}`,
    (step, source, tag) => `${step.node} ${source} ${tag}`,
  ];
  for (const kindOf of kinds) {
    const of = (step: ScheduledStep, i: number): string => {
      const received = step.receives[i];
      return received === undefined ? '' : kindOf(step, received.source, subject.tagOf(received.bytes));
    };
    const all = new Set(search.best.schedule.flatMap((step) => step.receives.map((_, i) => of(step, i))));
    for (const kind of all) {
      if (kind === '') continue;
      search.try(
        search.best.schedule.map((step) => ({
          ...step,
          receives: step.receives.filter((_, i) => of(step, i) !== kind),
        })),
      );
    }
  }
  dropIdle(search);
};

const dropSteps = <K>(search: Search<K>): void =>
  dropChunks(
    search,
    (schedule) => schedule.map((step) => step.id),
    (schedule, dropped) => schedule.filter((step) => !dropped.has(step.id)),
  );

/** Schedules above this length have too many pairs of steps. */
const pairedLengthMax = 48;

/** Two steps that are of no use without each other, such as a question and its answer. */
const dropPairs = <K>(search: Search<K>): void => {
  for (let i = 0; search.best.schedule.length <= pairedLengthMax && i < search.best.schedule.length; i++) {
    for (let k = i + 1; k < search.best.schedule.length && !search.spent; ) {
      if (!search.try(search.best.schedule.filter((_, at) => at !== i && at !== k))) k++;
    }
  }
};

const nameOf = (step: ScheduledStep, i: number): string => `${step.id} ${i}`;

const dropReceives = <K>(search: Search<K>): void =>
  dropChunks(
    search,
    (schedule) => schedule.flatMap((step) => step.receives.map((_, i) => nameOf(step, i))),
    (schedule, dropped) =>
      schedule.map((step) => ({ ...step, receives: step.receives.filter((_, i) => !dropped.has(nameOf(step, i))) })),
  );

/** Tries to do without chunks of what a schedule is made of, large ones first, from the front. */
const dropChunks = <K, A>(
  search: Search<K>,
  partsOf: (schedule: Schedule) => readonly A[],
  without: (schedule: Schedule, dropped: ReadonlySet<A>) => Schedule,
): void => {
  let parts = partsOf(search.best.schedule);
  for (let size = Math.ceil(parts.length / 2); size > 0; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let from = 0; from < parts.length && !search.spent; ) {
      const dropped = new Set(parts.slice(from, from + size));
      if (search.try(without(search.best.schedule, dropped))) parts = partsOf(search.best.schedule);
      else from += size;
    }
  }
};
