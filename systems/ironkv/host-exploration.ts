/** A small cluster of IronKV's real host code, for the explorer: every order in which its packets may arrive, each step judged. */
import { type HostedState, hostModel, type Reading } from '../../src/refinement/explorer/host-model.js';
import { always, type SuccessorModel, sometimes } from '../../src/refinement/explorer.js';
import { modelCluster, modelHosts, moveAll, writes } from './exploration.js';
import { ironkv } from './main.js';
import type { KvMessage } from './messages.js';
import { type HostState, ownerOf } from './protocol.js';

type Hosts = Reading<HostState, KvMessage>;

const owners = ({ hosts }: Hosts, key: string): number =>
  [...hosts.values()].filter(({ map, constants }) => ownerOf(map, key) === constants.index).length;

/** The sums that were told for a write: one, if it was executed once. */
const sumsOf = ({ sent }: Hosts, seqno: number): number => {
  const sums = sent.flatMap(({ message: m }) =>
    m.tag === 'reply' && m.seqno === seqno ? [JSON.stringify(m.outcome)] : [],
  );
  return new Set(sums).size;
};

/**
 * Two hosts, a session of `count` writes, each sent to both hosts, all keys moved to the second host and back, and at most `stepsMax`
 * steps of each host. The clock stands still, and whatever may be sent again is sent again in each step. `definition` has the host code.
 */
export const ironkvHosts = (
  count: number,
  stepsMax: number,
  definition = ironkv,
): SuccessorModel<HostedState<KvMessage>, string> => {
  const [first, second] = modelHosts;
  const seqnos = Array.from({ length: count }, (_, seqno) => seqno);
  return hostModel({
    name: `host code of ironkv with two hosts, ${count} writes, ${stepsMax} steps each`,
    definition,
    constants: modelCluster,
    hosts: modelHosts,
    receiveMax: 1,
    stepsMax,
    clientPackets: [moveAll(1, first, second), moveAll(2, second, first), ...seqnos.flatMap(writes)],
    properties: [
      always<Hosts>('no key is served by two hosts', (reading) => owners(reading, 'a') < 2 && owners(reading, 'b') < 2),
      always<Hosts>('a write is answered in one way', (reading) => seqnos.every((seqno) => sumsOf(reading, seqno) < 2)),
      sometimes<Hosts>('a key is on its way', (reading) => owners(reading, 'a') === 0),
      sometimes<Hosts>('the second host answers what the first one executed', ({ sent }) => {
        const replies = sent.filter(({ message }) => message.tag === 'reply' && message.seqno === 0);
        return new Set(replies.map(({ source }) => source)).size === 2;
      }),
    ],
  });
};
