/** A distributed system as the composition of its hosts and the set of sent packets (IronFleet, SOSP 2015, section 3.2). */
import type { EndPoint } from '../spec/endpoint.js';
import type { Packet } from '../spec/packet.js';
import { O } from '../spec/prelude.js';
import { PersistentMap } from './persistent-map.js';
import type { ProtocolHost } from './protocol.js';

/** The state of a system: a value that is equal (`equalValues`) to another if its hosts are and the same packets were sent. */
export interface SystemState<S, M> {
  readonly hosts: PersistentMap<EndPoint, S>;
  /** Every packet ever sent, by its key. */
  readonly sent: PersistentMap<string, Packet<M>>;
}

/** A packet's identity as text: equal for equal source, target and message. */
export type PacketKey<M> = (packet: Packet<M>) => string;

/** One protocol step of one host, as part of a step of the system. `sends` are all that it sends, new or not. */
export interface SystemSuccessor<S, M> {
  readonly state: SystemState<S, M>;
  readonly before: S;
  readonly after: S;
  readonly sends: readonly Packet<M>[];
}

/** The key of packets whose messages `encode` writes injectively. */
export const packetKeyBy =
  <M>(encode: (message: M) => Uint8Array): PacketKey<M> =>
  ({ source, target, message }) => {
    const bytes = encode(message);
    return `${source} ${target} ${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')}`;
  };

/** The system before its first step. */
export const systemInit = <C, S, M, Step>(
  protocol: ProtocolHost<C, S, M, Step>,
  constants: C,
  hosts: readonly EndPoint[],
): SystemState<S, M> => ({
  hosts: PersistentMap.of(hosts.map((host): [EndPoint, S] => [host, protocol.init(constants, host)])),
  sent: PersistentMap.empty(),
});

/** The state after `packets` were sent, by whomever. */
export const withSent = <S, M>(
  state: SystemState<S, M>,
  packets: readonly Packet<M>[],
  keyOf: PacketKey<M>,
): SystemState<S, M> => {
  const sent = state.sent.withMutations((draft) => {
    for (const packet of packets) {
      const key = keyOf(packet);
      if (!draft.has(key)) draft.set(key, packet);
    }
  });
  return sent === state.sent ? state : { ...state, sent };
};

/** Where `step` of `host` leads the system; `none` if it is not enabled, or consumes what was never sent to this host. */
export const systemStep = <C, S, M, Step>(
  protocol: ProtocolHost<C, S, M, Step>,
  keyOf: PacketKey<M>,
  state: SystemState<S, M>,
  host: EndPoint,
  step: Step,
): O.Option<SystemSuccessor<S, M>> => {
  const before = state.hosts.get(host);
  if (before === undefined) return O.none;
  const consumed = protocol.consumes(step);
  if (consumed !== undefined && (consumed.target !== host || !state.sent.has(keyOf(consumed)))) return O.none;
  return O.map(({ state: after, sends }: { state: S; sends: readonly Packet<M>[] }) => ({
    state: withSent({ ...state, hosts: state.hosts.set(host, after) }, sends, keyOf),
    before,
    after,
    sends,
  }))(protocol.step(before, step));
};
