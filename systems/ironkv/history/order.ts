/** Ghost history of ordered sessions: which seqnos were executed as ordered, and where (README.md, "Order within a session"). */
import { PersistentMap } from '../../../src/protocol/persistent-map.js';
import type { Evidence } from '../../../src/refinement/cluster.js';
import { textOfKey } from '../commands.js';
import type { Message } from '../messages.js';
import { isWrite } from '../spec.js';

/** What was executed as ordered of one session, wherever in the cluster; reads are among it. Immutable. */
export interface Order {
  readonly seqnos: PersistentMap<number, true>;
  /** The highest of them. */
  readonly highest: number;
  /** The highest floor that one of them had: the client said that it had settled all below. */
  readonly floor: number;
  /** The highest seqno at each host and on each key, by `placesOf`. */
  readonly places: PersistentMap<string, number>;
}

/** Where a request is executed: at a host, by its index, and on a key. */
const placesOf = (host: number, { command }: Message<'request'>): readonly string[] => [
  `host ${host}`,
  `key ${textOfKey(command.key)}`,
];

const none: Order = { seqnos: PersistentMap.empty(), highest: -1, floor: 0, places: PersistentMap.empty() };

/** What is wrong with an execution of `m` as ordered at a host, after those in `order`. */
export const orderDefect = (order: Order | undefined, host: number, m: Message<'request'>): Evidence => {
  if (order === undefined) return undefined;
  const { session, seqno } = m;
  const first = !order.seqnos.has(seqno);
  // What the client settled without an answer it gave up: of that, no order is promised.
  if (first && seqno < order.highest && seqno >= order.floor) return { session, seqno, after: order.highest };
  for (const place of placesOf(host, m)) {
    const last = order.places.get(place) ?? -1;
    // The last one again must be a read: asked again, it is answered as of now.
    if (seqno < last || (seqno === last && isWrite(m.command))) return { session, seqno, after: last, place };
  }
  return undefined;
};

/** With one execution more. */
export const withExecuted = (order: Order = none, host: number, m: Message<'request'>): Order => ({
  seqnos: order.seqnos.set(m.seqno, true),
  highest: Math.max(order.highest, m.seqno),
  floor: Math.max(order.floor, m.floor),
  places: order.places.withMutations((draft) => {
    for (const place of placesOf(host, m)) draft.set(place, Math.max(m.seqno, order.places.get(place) ?? -1));
  }),
});

/** Without what lies below the floor, of which the client expects nothing any more; the highest seqno stays. */
export const withoutSettled = (order: Order): Order => ({
  ...order,
  seqnos: order.seqnos.withMutations((draft) => {
    for (const seqno of order.seqnos.keys()) if (seqno < order.floor) draft.delete(seqno);
  }),
  places: order.places.withMutations((draft) => {
    for (const [place, seqno] of order.places) if (seqno < order.floor) draft.delete(place);
  }),
});
