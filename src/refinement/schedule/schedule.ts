/**
 * Schedules: a run of a cluster as the list of its host steps, each with what it received and what its clock showed. Nothing
 * else decides what happens, so a schedule needs no random source, no clients and no network to be run again. The network is
 * the set of all packets ever sent (IronFleet, SOSP 2015, section 3.2): loss, delay, reordering and duplication are choices
 * of what a step receives, and a host that crashed or paused is one that takes no further step.
 */
import type { EndPoint } from '../../spec/endpoint.js';

/** The send of a packet: the step of the schedule that made it, and its place among that step's packets to one target. */
export interface Origin {
  readonly step: number;
  readonly index: number;
}

/**
 * A packet that a step receives. One from outside the cluster (a client, a stranger) is sent by being received; one from a
 * host must have been sent by it. `origin` finds the packet again where an earlier change gave it another content.
 */
export interface Received {
  readonly source: EndPoint;
  readonly bytes: Uint8Array;
  readonly origin?: Origin;
}

/** One step of one host. */
export interface ScheduledStep {
  /** Names the step within its schedule, also after others were taken out. */
  readonly id: number;
  readonly node: EndPoint;
  /** What the host's clock shows in this step, in milliseconds; one that went back shows what it last showed. */
  readonly timeMs: number;
  readonly receives: readonly Received[];
}

/** Steps in the order in which they happen. */
export type Schedule = readonly ScheduledStep[];

/** Packets that a schedule's steps receive, all together. */
export const receivesIn = (schedule: Schedule): number => schedule.reduce((sum, step) => sum + step.receives.length, 0);

/** A packet by what it is: equal for equal source, target and bytes. */
export const packetKey = (source: EndPoint, target: EndPoint, bytes: Uint8Array): string =>
  `${source} ${target} ${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')}`;
