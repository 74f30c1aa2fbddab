/**
 * The protocol of an IronKV host: a hash table spread over hosts, whose ranges move between them by single delivery
 * (README.md; IronFleet, SOSP 2015, section 5.2). `undefined` where an action is not enabled.
 */
import type { ProtocolHost } from '../../src/protocol/protocol.js';
import type { Packet } from '../../src/spec/packet.js';
import { O, unreachable } from '../../src/spec/prelude.js';
import type { Configuration } from './configuration.js';
import type { KvMessage, Observed } from './messages.js';
import { processOpen } from './protocol/announcements.js';
import { announced, delegated, informed, processAck, processDeliver, resent } from './protocol/deliveries.js';
import { processRequest } from './protocol/requests.js';
import { expired } from './protocol/sessions.js';
import { processShard, processStatusRequest } from './protocol/shards.js';
import { type HostState, initHost } from './protocol/state.js';
import type { Effect, KvStep } from './protocol/step.js';

export * from './protocol/delegation-map.js';
export * from './protocol/state.js';
export type { KvStep } from './protocol/step.js';

type PacketOf<T extends KvMessage['tag']> = Packet<Extract<KvMessage, { tag: T }>>;

/** A packet of a kind that only hosts send. */
const processFromHost = (s: HostState, packet: Packet<KvMessage>): Effect => {
  const from = s.constants.configuration.hosts.indexOf(packet.source);
  const peer = from < 0 ? undefined : s.peers.get(from);
  const m = packet.message;
  // From a stranger: consumed without effect.
  if (peer === undefined) return { state: s, sends: [] };
  if (m.tag === 'deliver') return processDeliver(s, from, peer, packet as PacketOf<'deliver'>);
  if (m.tag === 'ack') return processAck(s, from, peer, m);
  return { state: s, sends: [] };
};

const process = (s: HostState, packet: Packet<KvMessage>, observed: Observed | null): Effect | undefined => {
  if (packet.target !== s.constants.me) return undefined;
  const { tag } = packet.message;
  if (tag === 'statusRequest') {
    return observed === null ? undefined : processStatusRequest(s, packet as PacketOf<'statusRequest'>, observed);
  }
  if (observed !== null) return undefined;
  switch (tag) {
    case 'request':
      return processRequest(s, packet as PacketOf<'request'>);
    case 'open':
      return processOpen(s, packet as PacketOf<'open'>);
    case 'shard':
      return processShard(s, packet as PacketOf<'shard'>);
    default:
      return processFromHost(s, packet);
  }
};

const effect = (s: HostState, step: KvStep): Effect | undefined => {
  switch (step.tag) {
    case 'process':
      return process(s, step.packet, step.observed);
    case 'delegate':
      return delegated(s, step.move, step.timeMs);
    case 'inform':
      return informed(s, step.move, step.timeMs);
    case 'announce':
      return announced(s, step.peer, step.timeMs);
    case 'resend':
      return resent(s, step.peer, step.timeMs);
    case 'expire':
      return expired(s);
    default:
      return unreachable(step);
  }
};

/** The protocol that judges every host. */
export const ironkvProtocol: ProtocolHost<Configuration, HostState, KvMessage, KvStep> = {
  name: 'ironkv',
  init: initHost,
  step: (s, step) => O.fromNullable(effect(s, step)),
  consumes: (step) => (step.tag === 'process' ? step.packet : undefined),
  reads: (step) => ('timeMs' in step ? step.timeMs : undefined),
};
