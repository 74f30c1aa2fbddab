/** Which faults a network of `src/protocol/network.ts` has, and whether a system's claims cover a run. */
import type { NetworkSemantics } from '../../protocol/network.js';
import type { FaultName } from './faults.js';
import type { Claims } from './simulated-system.js';

/** How fast hosts and clocks run is free in every network, and so is what strangers say. A clogged link keeps the order. */
const always: readonly FaultName[] = ['clog', 'pause', 'skew', 'jump', 'stranger'];

/** The faults that may happen in a network. What fails its checksum is lost, so corruption comes with drops. */
export const faultsOf = (network: NetworkSemantics): readonly FaultName[] => [
  ...always,
  ...(network.reorders ? (['delay', 'reorder'] as const) : []),
  ...(network.drops ? (['loss', 'corrupt'] as const) : []),
  ...(network.duplicates ? (['duplicate'] as const) : []),
  ...(network.partitions ? (['partition', 'one-way'] as const) : []),
  ...(network.crashes ? (['crash'] as const) : []),
];

const coveredBy = (networks: readonly NetworkSemantics[], faults: readonly FaultName[]): boolean => {
  const covered = new Set(networks.flatMap(faultsOf));
  return faults.every((fault) => covered.has(fault));
};

/** Whether a system claims to be live once `fired` have healed; the faults of several networks may come together. */
export const claimsLiveness = ({ liveUnder }: Claims, fired: readonly FaultName[]): boolean =>
  coveredBy(liveUnder, fired);

/** Those of `faults` under which a system claims to be safe. */
export const safeFaults = ({ safeUnder }: Claims, faults: readonly FaultName[]): readonly FaultName[] =>
  faults.filter((fault) => coveredBy(safeUnder, [fault]));
