/** Faults of the links between hosts, which last for a while: partitions in both ways and in one, and clogged links. */
import type { SimulatedDatagram } from '../../../network/simulated-network.js';
import type { EndPoint } from '../../../spec/endpoint.js';
import { type ActiveFault, type Fault, type FaultWorld, onSchedule, type Schedule } from './fault.js';

const schedule: Schedule = { wait: { minMs: 30, maxMs: 600 }, spell: { minMs: 30, maxMs: 1_000 } };

const linkOf = (source: EndPoint, target: EndPoint): string => `${source} ${target}`;

/** Two groups of hosts, neither of them empty: one host alone, or any split. */
const split = ({ hosts, random }: FaultWorld): readonly [readonly EndPoint[], readonly EndPoint[]] => {
  const alone = random.pick(hosts);
  const anyHow = random.chance(0.5);
  const one = hosts.filter((host) => host === alone || (anyHow && host !== hosts[0] && random.chance(0.5)));
  const other = hosts.filter((host) => !one.includes(host));
  return other.length === 0 ? [[alone], hosts.filter((host) => host !== alone)] : [one, other];
};

const linksFrom = (sources: readonly EndPoint[], targets: readonly EndPoint[]): readonly string[] =>
  sources.flatMap((source) => targets.map((target) => linkOf(source, target)));

/** Cuts links between hosts in spells; clients reach everyone. A spell counts once it has swallowed a datagram. */
const cutting = (world: FaultWorld, draw: () => readonly string[]): ActiveFault => {
  let cut: ReadonlySet<string> = new Set();
  let counted = true;
  const heal = onSchedule(world, schedule, () => {
    cut = new Set(draw());
    counted = false;
    return () => {
      cut = new Set();
    };
  });
  return {
    takes: ({ source, target }) => {
      if (cut.size === 0 || !cut.has(linkOf(source, target))) return false;
      if (!counted) world.fired();
      counted = true;
      return true;
    },
    heal,
  };
};

/** Two groups of hosts do not hear each other. */
export const partition: Fault = {
  share: 1 / 2,
  begin: (world) =>
    cutting(world, () => {
      const [one, other] = split(world);
      return [...linksFrom(one, other), ...linksFrom(other, one)];
    }),
};

/** One group of hosts does not hear the other, which hears it; or a single link is dead in one direction. */
export const oneWay: Fault = {
  share: 1 / 2,
  begin: (world) =>
    cutting(world, () => {
      const [one, other] = split(world);
      if (world.random.chance(0.5)) return linksFrom(one, other);
      return [linkOf(world.random.pick(one), world.random.pick(other))];
    }),
};

/** A link holds its datagrams back for a while, and then lets all of them go, in their order. */
export const clog: Fault = {
  share: 1 / 2,
  begin: (world) => {
    let link: string | undefined;
    let held: SimulatedDatagram[] = [];
    const heal = onSchedule(world, schedule, () => {
      const [one, other] = split(world);
      link = linkOf(world.random.pick(one), world.random.pick(other));
      return () => {
        link = undefined;
        const released = held;
        held = [];
        if (released.length > 0) world.fired();
        for (const datagram of released) world.release(datagram);
      };
    });
    return {
      takes: (datagram) => {
        if (link === undefined || link !== linkOf(datagram.source, datagram.target)) return false;
        held.push(datagram);
        return true;
      },
      heal,
    };
  },
};
