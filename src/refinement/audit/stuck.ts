/**
 * Why a merge cannot go on: a step waits for a packet that no released step sent so far. It is sent later, by a step that waits for
 * this one (a cycle); or nowhere in a complete journal; or nowhere in a journal whose end is missing (docs/audit.md).
 */
import type { StepRecord } from '../../network/step-io.js';
import type { Violation } from '../../spec/check.js';
import type { EndPoint } from '../../spec/endpoint.js';
import type { Tagged } from '../cluster.js';
import type { Head, Lane, Need } from './lane.js';
import type { DigestedPackets, DigestPair } from './packet-digests.js';

/** A violation, and the step that shows it; without a lane it is the whole cluster's. */
export interface LaneViolation<M extends Tagged, W> {
  readonly lane: Lane<M, W> | undefined;
  readonly record: StepRecord<W> | undefined;
  readonly violation: Violation;
}

/** What is known about a merge that stands still. */
export interface Explanation<M extends Tagged, W> {
  readonly found: LaneViolation<M, W> | undefined;
  /** Why the rest is not known, in sentences. */
  readonly open: readonly string[];
}

/** What the explanation needs. */
export interface StuckParts<M extends Tagged, W> {
  readonly lanes: readonly Lane<M, W>[];
  readonly nameOf: (host: EndPoint) => string;
  readonly sent: DigestedPackets<M>;
  readonly show: (bytes: Uint8Array) => string;
  /** Judges a step by its own host's protocol alone; not asked again of a lane after a violation. */
  readonly refine: (lane: Lane<M, W>, head: Head<W>) => Violation | undefined;
}

interface Waiting<M extends Tagged, W> {
  readonly lane: Lane<M, W>;
  readonly record: StepRecord<W>;
  readonly need: Need;
}

const keyOf = (source: EndPoint, target: EndPoint, { high, low }: DigestPair): string =>
  `${source} ${target} ${high}.${low}`;

const wantedBy = <M extends Tagged, W>({ lane, need }: Waiting<M, W>): string =>
  keyOf(need.source, lane.me, need.digest);

/** Where a packet that somebody waits for is sent: read on in the journals whose next step waits. */
class Later<M extends Tagged, W> {
  readonly #parts: StuckParts<M, W>;
  readonly #wanted: Set<string>;
  readonly #targets: Set<EndPoint>;
  readonly steps = new Map<string, { readonly lane: Lane<M, W>; readonly step: number }>();
  found: LaneViolation<M, W> | undefined;

  constructor(parts: StuckParts<M, W>, waiting: readonly Waiting<M, W>[]) {
    this.#parts = parts;
    this.#wanted = new Set(waiting.map(wantedBy));
    this.#targets = new Set(waiting.map(({ lane }) => lane.me));
  }

  /** Reads the rest of a journal. What is wrong with a host shows even where the order between hosts is not known. */
  read(lane: Lane<M, W>): void {
    let refined = true;
    for (let head = lane.head(); head !== undefined; head = lane.head()) {
      const { record } = head;
      this.#look(lane, record);
      const violation = refined ? this.#parts.refine(lane, head) : undefined;
      if (violation !== undefined) {
        refined = false;
        this.found ??= { lane, record, violation };
      }
      lane.shift();
    }
    if (lane.fault !== undefined) this.found ??= { lane, record: undefined, violation: lane.fault };
  }

  #look(lane: Lane<M, W>, { step, events }: StepRecord<W>): void {
    for (const event of events) {
      if (event.tag !== 'send' || !this.#targets.has(event.target)) continue;
      const key = keyOf(lane.me, event.target, this.#parts.sent.digest(event.bytes));
      if (this.#wanted.has(key) && !this.steps.has(key)) this.steps.set(key, { lane, step });
    }
  }
}

const unsent = <M extends Tagged, W>(
  { nameOf, show }: StuckParts<M, W>,
  { lane, record, need }: Waiting<M, W>,
): LaneViolation<M, W> => {
  const why = `the journal of ${nameOf(need.source)} is complete, and no step of it sent this packet`;
  const evidence = { source: nameOf(need.source), message: show(need.bytes), why };
  const rule = 'a packet is received only if it was sent';
  return { lane, record, violation: { code: 'RECEIVED_UNSENT', rule, evidence } };
};

const cycleFrom = <M extends Tagged, W>(
  first: Waiting<M, W>,
  waiting: ReadonlyMap<Lane<M, W>, Waiting<M, W>>,
  later: Later<M, W>,
): LaneViolation<M, W> | undefined => {
  const seen: Waiting<M, W>[] = [];
  let at: Waiting<M, W> | undefined = first;
  while (at !== undefined && !seen.includes(at)) {
    seen.push(at);
    const sender: { readonly lane: Lane<M, W> } | undefined = later.steps.get(wantedBy(at));
    at = sender === undefined ? undefined : waiting.get(sender.lane);
  }
  if (at === undefined) return undefined;
  const cycle = seen.slice(seen.indexOf(at)).map((each) => {
    const sender = later.steps.get(wantedBy(each));
    return `step ${each.record.step} of ${each.lane.id} received what step ${sender?.step} of ${sender?.lane.id} sent`;
  });
  const rule = 'no packet is received before it is sent';
  return { lane: at.lane, record: at.record, violation: { code: 'CAUSAL_CYCLE', rule, evidence: { cycle } } };
};

/** Explains why none of the lanes' next steps can be taken. Reads them to their ends, and judges each host to the end of its journal. */
export const explainStuck = <M extends Tagged, W>(parts: StuckParts<M, W>): Explanation<M, W> => {
  const { lanes, nameOf } = parts;
  const waiting = new Map<Lane<M, W>, Waiting<M, W>>();
  for (const lane of lanes) {
    const head = lane.head();
    const need = head?.needs[head.met];
    if (head !== undefined && need !== undefined) waiting.set(lane, { lane, record: head.record, need });
  }
  const later = new Later(parts, [...waiting.values()]);
  for (const lane of waiting.keys()) later.read(lane);
  const open: string[] = [];
  for (const at of waiting.values()) {
    if (later.steps.has(wantedBy(at))) continue;
    const sender = lanes.find((lane) => lane.me === at.need.source);
    if (sender?.end === 'complete') return { found: unsent(parts, at), open };
    const name = nameOf(at.need.source);
    const why =
      sender === undefined ? `no journal of ${name} is given` : `the end of the journal of ${name} is missing`;
    open.push(
      `Step ${at.record.step} of ${at.lane.id} received a packet of ${name} that is not known to be sent: ${why}.`,
    );
  }
  for (const at of waiting.values()) {
    const cycle = cycleFrom(at, waiting, later);
    if (cycle !== undefined) return { found: cycle, open };
  }
  return { found: later.found, open };
};
