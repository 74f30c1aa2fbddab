/** What a fault is: a value that says how it is drawn, and how it begins in a world of hosts, links and clocks. */
import type { SimulatedDatagram } from '../../../network/simulated-network.js';
import type { EndPoint } from '../../../spec/endpoint.js';
import type { Random } from '../../random.js';
import type { VirtualTime } from '../virtual-time.js';

/** One copy of a datagram on its way. Faults change it before it is scheduled. */
export interface Flight {
  datagram: SimulatedDatagram;
  delayMs: number;
}

/** What faults may do to hosts. */
export interface HostControl {
  pause(host: EndPoint): void;
  /** Ends a pause; says whether a step had been held back. */
  resume(host: EndPoint): boolean;
  crash(host: EndPoint): void;
  setClockRate(host: EndPoint, rate: number): void;
  jumpClock(host: EndPoint, ms: number): void;
}

/** What a fault acts on. */
export interface FaultWorld {
  readonly hosts: readonly EndPoint[];
  readonly control: HostControl;
  readonly time: VirtualTime;
  /** The fault's own choices. */
  readonly random: Random;
  /** How strong this seed drew the fault: above 0, at most 1. */
  readonly strength: number;
  /** Sends a datagram on that the fault had taken out. */
  readonly release: (datagram: SimulatedDatagram) => void;
  /** Counts that the fault really did something. */
  readonly fired: () => void;
}

/** A fault at work. What it leaves out it does not touch. */
export interface ActiveFault {
  /** Whether it takes a datagram out, for good or for a while. */
  readonly takes?: (datagram: SimulatedDatagram) => boolean;
  /** Copies that it adds to a datagram. */
  readonly copies?: () => number;
  /** Changes one copy. */
  readonly alters?: (flight: Flight) => void;
  /** Undoes what lasts, and begins nothing more. Only a crash cannot be undone. */
  readonly heal?: () => void;
}

/** A fault as a value. */
export interface Fault {
  /** The share of seeds in which it is on, where it is allowed (swarm testing). */
  readonly share: number;
  readonly begin: (world: FaultWorld) => ActiveFault;
}

/** Bounds of a time in milliseconds. */
export interface Span {
  readonly minMs: number;
  readonly maxMs: number;
}

/** A schedule: the wait before each spell, for a fault at full strength, and how long it lasts. */
export interface Schedule {
  readonly wait: Span;
  readonly spell: Span;
}

/** Begins spells of a fault on a schedule, one at a time; `begin` answers with what ends the spell. The result ends the current one and all. */
export const onSchedule = (world: FaultWorld, { wait, spell }: Schedule, begin: () => () => void): (() => void) => {
  const { time, random, strength } = world;
  let end: (() => void) | undefined;
  let healed = false;
  const plan = (): void => {
    time.after(random.between(wait.minMs, wait.maxMs) / strength, () => {
      if (healed) return;
      end = begin();
      time.after(random.between(spell.minMs, spell.maxMs), () => {
        if (healed) return;
        end?.();
        end = undefined;
        plan();
      });
    });
  };
  plan();
  return () => {
    healed = true;
    end?.();
    end = undefined;
  };
};
