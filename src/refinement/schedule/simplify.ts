/** Ways to make a short schedule simpler, each tried one place at a time. */
import type { EndPoint } from '../../spec/endpoint.js';
import { packetKey, type Received, type Schedule, type ScheduledStep } from './schedule.js';
import type { Search } from './search.js';

/** Schedules above this length are too long for passes that look at every pair. */
const joinedLengthMax = 400;

/** Two steps of one host become one macro step, where the later packets were there already or the earlier ones can wait. */
export const joinSteps = <K>(search: Search<K>): void => {
  if (search.best.schedule.length > joinedLengthMax) return;
  for (let i = 0; i < search.best.schedule.length && !search.spent; i++) {
    while (joinAt(search, i));
  }
};

const joinAt = <K>(search: Search<K>, i: number): boolean => {
  const { schedule } = search.best;
  const first = schedule[i];
  const k = first === undefined ? -1 : schedule.findIndex((step, at) => at > i && step.node === first.node);
  const second = schedule[k];
  if (first === undefined || second === undefined) return false;
  const receives = [...first.receives, ...second.receives];
  const later = { ...second, receives };
  const earlier = { ...second, receives, id: first.id };
  return (
    search.try(redirected(schedule.toSpliced(k, 1, later).toSpliced(i, 1), first.id, second.id)) ||
    search.try(redirected(schedule.toSpliced(k, 1).toSpliced(i, 1, earlier), second.id, first.id))
  );
};

/** What step `from` sent is now sent by step `to`. */
const redirected = (schedule: Schedule, from: number, to: number): Schedule =>
  changedReceives(schedule, (received) =>
    received.origin?.step === from ? { ...received, origin: { ...received.origin, step: to } } : received,
  );

const changedReceives = (schedule: Schedule, change: (received: Received, step: ScheduledStep) => Received): Schedule =>
  schedule.map((step) => ({ ...step, receives: step.receives.map((received) => change(received, step)) }));

/** A smaller cluster. */
export const fewerHosts = <K>(search: Search<K>): void => {
  const { subject } = search;
  for (const host of [...subject.hostsOf(search.best.cluster)].reverse()) {
    const fewer = subject.without(search.best.cluster, host);
    if (fewer === undefined) continue;
    const others = search.best.schedule.filter((step) => step.node !== host);
    // Else its packets would come from someone outside, who passes for a client.
    const without = ({ receives, ...step }: ScheduledStep): ScheduledStep => ({
      ...step,
      receives: receives.filter(({ source }) => source !== host),
    });
    search.try(others.map(without), fewer);
  }
};

const clientsIn = <K>({ best, subject }: Search<K>): readonly EndPoint[] => {
  const hosts = new Set(subject.hostsOf(best.cluster));
  const sources = best.schedule.flatMap((step) => step.receives.map(({ source }) => source));
  return [...new Set(sources)].filter((source) => !hosts.has(source));
};

/** One client asks for what two asked for. */
export const fewerClients = <K>(search: Search<K>): void => {
  const [first, ...others] = clientsIn(search);
  if (first === undefined) return;
  for (const other of others) {
    const renamed = search.best.schedule.map((step) => (step.node === other ? { ...step, node: first } : step));
    search.try(changedReceives(renamed, (r) => (r.source === other ? { ...r, source: first } : r)));
  }
};

/** Candidates of one message that are tried before it is left alone. */
const simplerMax = 12;

/** Simpler messages from outside the cluster; what hosts send follows. */
export const simplerRequests = <K>(search: Search<K>): void => {
  const clients = new Set<EndPoint>(clientsIn(search));
  const done = new Set<string>();
  for (;;) {
    const next = search.best.schedule
      .flatMap((step) => step.receives.map((received) => ({ ...received, node: step.node })))
      .find(({ source, node, bytes }) => clients.has(source) && !done.has(packetKey(source, node, bytes)));
    if (next === undefined || search.spent) return;
    done.add(packetKey(next.source, next.node, next.bytes));
    simplify(search, next.source, next.bytes);
  }
};

const simplify = <K>(search: Search<K>, source: EndPoint, bytes: Uint8Array): void => {
  const key = packetKey(source, source, bytes);
  let tried = 0;
  for (const simpler of search.subject.simpler(bytes)) {
    if (tried++ === simplerMax || search.spent) return;
    const change = (r: Received): Received =>
      r.source === source && packetKey(source, source, r.bytes) === key ? { ...r, bytes: simpler } : r;
    if (!search.try(changedReceives(search.best.schedule, change))) continue;
    simplify(search, source, simpler);
    return;
  }
};

/** Clocks that start at 0 and stand still where time does not matter. */
export const earlierClocks = <K>(search: Search<K>): void => {
  for (const host of search.subject.hostsOf(search.best.cluster)) {
    for (let i = 0; i < search.best.schedule.length && !search.spent; i++) {
      const gap = gapBefore(search.best.schedule, host, i);
      for (const saved of [gap, gap - 1, gap - 10, Math.floor(gap / 2), Math.floor(gap / 4)]) {
        if (saved > 0 && search.try(earlierFrom(search.best.schedule, host, i, saved))) break;
      }
    }
  }
};

/** By how much the host's clock moved on to step `i`; 0 for a step of another host. */
const gapBefore = (schedule: Schedule, host: EndPoint, i: number): number => {
  const step = schedule[i];
  if (step === undefined || step.node !== host) return 0;
  const previous = schedule.slice(0, i).findLast(({ node }) => node === host);
  return step.timeMs - (previous?.timeMs ?? 0);
};

const earlierFrom = (schedule: Schedule, host: EndPoint, i: number, savedMs: number): Schedule =>
  schedule.map((step, at) => (at >= i && step.node === host ? { ...step, timeMs: step.timeMs - savedMs } : step));
