/**
 * The bounded model of IronRSM without its joined steps: whole replicas, each packet delivered by itself, for two ballots and one operation.
 * What it can reach must be what the joined steps can reach, as far as both can be compared: which votes were sent, and what was executed.
 */
import { PartPool } from '../../src/refinement/explorer/part-pool.js';
import { always, type SuccessorModel } from '../../src/refinement/explorer.js';
import { endPoint } from '../../src/spec/endpoint.js';
import type { Packet } from '../../src/spec/packet.js';
import { O } from '../../src/spec/prelude.js';
import { boundedConfiguration } from '../../systems/ironrsm/bounded/roles.js';
import type { RsmMessage } from '../../systems/ironrsm/messages.js';
import { initReplica, ironrsmProtocol, type Replica, type ReplicaStep } from '../../systems/ironrsm/protocol.js';

type RsmPacket = Packet<RsmMessage>;
type Part = Omit<Replica, 'constants'>;

interface FineState {
  readonly replicas: readonly Part[];
  readonly sent: readonly RsmPacket[];
}

/** What is compared: the votes sent to the learner, and the digests of what it executed. */
export const projection = (sent: readonly RsmPacket[], executor: Replica['executor']): string => {
  const votes = sent.flatMap(({ source, message: m }) =>
    m.tag === '2b'
      ? [`${source} ${m.ballot.seqno}.${m.ballot.proposer} ${m.opn} ${Buffer.from(m.digest).toString('hex')}`]
      : [],
  );
  const log = [...executor.log].map(([opn, batch]) => `${opn} ${Buffer.from(batch).toString('hex')}`);
  return [...votes.sort(), 'executed', ...log.sort()].join('\n');
};

const configuration = boundedConfiguration(3);
const [first, second, third] = configuration.replicas as readonly [
  RsmPacket['source'],
  RsmPacket['source'],
  RsmPacket['source'],
];

/** The view moves; the first proposer gets the request of the first client, the second one that of either. */
const environment: readonly RsmPacket[] = [
  {
    source: third,
    target: second,
    message: { tag: 'heartbeat', view: { seqno: 1, proposer: 1 }, suspicious: false, opsComplete: 0 },
  },
  { source: endPoint('10.0.1.1:9000'), target: first, message: { tag: 'open', nonce: 0, ordered: false } },
  { source: endPoint('10.0.1.1:9000'), target: second, message: { tag: 'open', nonce: 0, ordered: false } },
  { source: endPoint('10.0.1.2:9000'), target: second, message: { tag: 'open', nonce: 1, ordered: false } },
];

const local: readonly ReplicaStep[] = [
  { tag: 'enterNewView' },
  { tag: 'enterPhase2' },
  { tag: 'nominate', count: 0 },
  { tag: 'nominate', count: 1 },
  { tag: 'decide' },
  { tag: 'execute' },
];

const keeps = ({ message: { tag }, target }: RsmPacket): boolean =>
  tag === '2b' ? target === third : ['1a', '1b', '2a'].includes(tag);

/** `reached` collects the projections of all states. Without `learns` no vote is delivered: only the votes sent are compared. */
export const fineGrained = (reached: Set<string>, learns: boolean): SuccessorModel<FineState, string> => {
  const pools = configuration.replicas.map(() => new PartPool<Part>());
  const packets = new PartPool<RsmPacket>();
  const initial = configuration.replicas.map((me) => initReplica(configuration, me));
  const moves = new Map<Part, Map<string, { readonly after: Part; readonly sends: readonly RsmPacket[] } | null>>();

  const taken = (i: number, from: Part, key: string, step: ReplicaStep) => {
    const known = moves.get(from) ?? new Map<string, never>();
    moves.set(from, known);
    const old = known.get(key);
    if (old !== undefined) return old;
    const next = ironrsmProtocol.step({ ...(initial[i] as Replica), ...from }, step);
    if (O.isNone(next)) {
      known.set(key, null as never);
      return null;
    }
    const { constants: _, ...after } = next.value.state;
    const sends = next.value.sends.filter(keeps).map((packet) => packets.of(packet).value);
    const move = { after: (pools[i] as PartPool<Part>).of(after).value, sends };
    known.set(key, move as never);
    return move;
  };

  const keyOfPacket = (packet: RsmPacket): string => {
    const { hi, lo } = packets.of(packet);
    return `${hi} ${lo}`;
  };

  return {
    name: 'ironrsm without joined steps',
    init: () => [
      {
        replicas: initial.map(({ constants: _, ...part }, i) => (pools[i] as PartPool<Part>).of(part).value),
        sent: [],
      },
    ],
    successors: ({ replicas, sent }, emit) => {
      replicas.forEach((part, i) => {
        const me = configuration.replicas[i];
        const supplies = sent.flatMap(({ message: m }): readonly RsmPacket[] =>
          i === 2 && m.tag === '2a'
            ? [packets.of({ source: first, target: third, message: { ...m, tag: 'batchSupply' } }).value]
            : [],
        );
        // Of a client's requests the proposer takes one: more make no difference to one operation.
        const asked = part.election.fresh.size + part.election.waiting.size > 0;
        const given = environment.filter(({ message }) => message.tag !== 'open' || !asked);
        const inbox = [...given, ...sent, ...supplies].filter(
          ({ target, message }) => target === me && (learns || message.tag !== '2b'),
        );
        const steps = [
          ...local.map((step) => [JSON.stringify(step), step] as const),
          ...inbox.map((packet) => [keyOfPacket(packet), { tag: 'process', packet, timeMs: 0 }] as const),
        ];
        for (const [key, step] of steps) {
          if (step.tag === 'nominate' && part.proposer.nextOpn > 0) continue;
          const move = taken(i, part, key, step);
          if (move === null) continue;
          const more = move.sends.filter((packet) => !sent.includes(packet));
          if (move.after === part && more.length === 0) continue;
          emit(step.tag, { replicas: replicas.with(i, move.after), sent: [...sent, ...more] });
        }
      });
    },
    key: ({ replicas, sent }) => {
      let [hi, lo] = [0, 0];
      for (const packet of sent) {
        const part = packets.of(packet);
        [hi, lo] = [(hi + part.hi) | 0, (lo + part.lo) | 0];
      }
      const parts = replicas.map((part, i) => (pools[i] as PartPool<Part>).of(part));
      return Int32Array.from([hi, lo, sent.length, ...parts.flatMap((part) => [part.hi, part.lo])]);
    },
    properties: [
      always('collected', ({ replicas, sent }) => {
        reached.add(projection(sent, (replicas[2] as Part).executor));
        return true;
      }),
    ],
  };
};
