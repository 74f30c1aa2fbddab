/** An executed counterexample as a space-time diagram (Lamport, CACM 1978): events on the lines of processes, and packets between them. */
import type { EndPoint } from '../../spec/endpoint.js';
import type { Tagged } from '../cluster.js';
import type { ShownExecutedStep, ShownExecution } from '../schedule/counterexamples.js';
import { packetKey, type Received } from '../schedule/schedule.js';
import { stranger } from '../simulation/environment.js';

/** One process: a host of the cluster, or someone outside. */
export interface Line {
  readonly endPoint: EndPoint;
  readonly kind: 'host' | 'client' | 'stranger';
}

/** A packet that a step received. */
export interface Arrow {
  /** Places of the events that sent and received it, from 0. */
  readonly from: number;
  readonly to: number;
  readonly source: EndPoint;
  readonly target: EndPoint;
  /** None for bytes that are no message. */
  readonly message: Tagged | undefined;
}

/** What happened on a line: a step of a host, or of a client that is told something; or a send of someone outside, or before the first step shown. */
export type SpaceTimeEvent =
  | { readonly tag: 'step'; readonly on: EndPoint; readonly step: ShownExecutedStep; readonly fails: boolean }
  | {
      readonly tag: 'send';
      readonly on: EndPoint;
      readonly target: EndPoint;
      readonly message: Tagged | undefined;
    };

/** The diagram. Events stand in an order that keeps every packet's send before its receive. */
export interface SpaceTime {
  readonly lines: readonly Line[];
  readonly events: readonly SpaceTimeEvent[];
  readonly arrows: readonly Arrow[];
}

/** Lays out an execution. */
export const spaceTimeOf = (execution: ShownExecution): SpaceTime => {
  const { hosts, steps, found, decode } = execution;
  const known = new Set<EndPoint>(hosts);
  const events: SpaceTimeEvent[] = [];
  const arrows: Arrow[] = [];
  const stepAt = new Map<number, number>();
  const sentAt = new Map<string, number>();
  const outside = new Set<EndPoint>(steps.map((step) => step.scheduled.node));

  const sendAt = ({ source, bytes, origin }: Received, target: EndPoint): number => {
    const stepped = origin === undefined ? undefined : stepAt.get(origin.step);
    if (stepped !== undefined) return stepped;
    const key = packetKey(source, target, bytes);
    const sent = sentAt.get(key) ?? events.length;
    if (sent === events.length) {
      outside.add(source);
      events.push({ tag: 'send', on: source, target, message: decode(bytes) });
      sentAt.set(key, sent);
    }
    return sent;
  };

  for (const [at, step] of steps.entries()) {
    const { node, receives, id } = step.scheduled;
    const froms = receives.map((received) => sendAt(received, node));
    const to = events.length;
    stepAt.set(id, to);
    events.push({ tag: 'step', on: node, step, fails: found?.at === at });
    for (const [i, { source, bytes }] of receives.entries()) {
      arrows.push({ from: froms[i] as number, to, source, target: node, message: decode(bytes) });
    }
  }
  const others = [...outside].filter((source) => !known.has(source)).sort();
  const lines: readonly Line[] = [
    ...others.map((other): Line => ({ endPoint: other, kind: other === stranger ? 'stranger' : 'client' })),
    ...hosts.map((host): Line => ({ endPoint: host, kind: 'host' })),
  ];
  return { lines, events, arrows };
};
