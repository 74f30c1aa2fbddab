/**
 * The protocol of one node of the lock, after IronFleet (SOSP 2015, section 3.2), with retransmission: a granter sends its
 * grant again until it knows that it arrived, so that a lost packet does not end the service.
 */
import type { EnabledSteps } from '../../src/protocol/behavior.js';
import type { ProtocolHost, Successor } from '../../src/protocol/protocol.js';
import type { EndPoint } from '../../src/spec/endpoint.js';
import { add, successor } from '../../src/spec/nat.js';
import type { Packet } from '../../src/spec/packet.js';
import { O, unreachable } from '../../src/spec/prelude.js';
import type { LockConfiguration, Parameters } from './configuration.js';
import type { LockMessage } from './messages.js';

/** What never changes: this node, and its place on the ring. */
export interface Place {
  readonly me: EndPoint;
  readonly previous: EndPoint;
  readonly next: EndPoint;
  readonly parameters: Parameters;
}

/** What a node is doing. */
export type Role =
  /** It does not hold the lock, and nobody waits for word from it. */
  | { readonly tag: 'waiting' }
  /** It holds the lock, in its epoch, and may grant it from `grantAtMs` on. */
  | { readonly tag: 'holding'; readonly grantAtMs: number }
  /** It granted the lock to the next node, in the epoch after its own, and sends that again from `resendAtMs` on. */
  | { readonly tag: 'granting'; readonly resendAtMs: number };

/** The state of one node. */
export interface Node {
  readonly place: Place;
  readonly role: Role;
  /** The last epoch in which this node held the lock; 0 before the first. */
  readonly epoch: number;
}

/** Every way in which a node may act. A field is a witness for an existential of the relation. */
export type NodeStep =
  /** Passes the lock on. */
  | { readonly tag: 'grant'; readonly timeMs: number }
  /** Sends the grant again. */
  | { readonly tag: 'resend'; readonly timeMs: number }
  /** Takes a grant: from now on this node holds the lock. */
  | { readonly tag: 'accept'; readonly packet: Packet<LockMessage>; readonly timeMs: number }
  /** Meets a grant that it took before, whose answer may have been lost. */
  | { readonly tag: 'answerAgain'; readonly packet: Packet<LockMessage> }
  /** Learns that its grant arrived. */
  | { readonly tag: 'settle'; readonly packet: Packet<LockMessage> }
  /** Tells someone who asks how it stands. */
  | { readonly tag: 'answerStatus'; readonly packet: Packet<LockMessage> }
  /** Consumes a packet that none of the other steps may consume. */
  | { readonly tag: 'ignore'; readonly packet: Packet<LockMessage> };

type Next = O.Option<Successor<Node, LockMessage>>;

const initNode = ({ nodes, parameters }: LockConfiguration, me: EndPoint): Node => {
  const index = nodes.indexOf(me);
  const previous = nodes.at(index - 1);
  const next = nodes[(index + 1) % nodes.length];
  if (index < 0 || previous === undefined || next === undefined) throw new Error(`${me} is no node of this lock`);
  return {
    place: { me, previous, next, parameters },
    role: index === 0 ? { tag: 'holding', grantAtMs: 0 } : { tag: 'waiting' },
    epoch: index === 0 ? 1 : 0,
  };
};

const packetTo = (s: Node, target: EndPoint, message: LockMessage): Packet<LockMessage> => ({
  source: s.place.me,
  target,
  message,
});

/** The grant of the epoch after this node's own. A second one is the same packet: the set of sent packets stays as it is. */
const transfer = (s: Node): Packet<LockMessage> =>
  packetTo(s, s.place.next, { tag: 'transfer', epoch: successor(s.epoch) });

const granting = (s: Node, timeMs: number): Role => ({
  tag: 'granting',
  resendAtMs: add(timeMs, s.place.parameters.resendMs),
});

const grant = (s: Node, timeMs: number): Next => {
  if (s.role.tag !== 'holding' || timeMs < s.role.grantAtMs) return O.none;
  return O.some({ state: { ...s, role: granting(s, timeMs) }, sends: [transfer(s)] });
};

const resend = (s: Node, timeMs: number): Next => {
  if (s.role.tag !== 'granting' || timeMs < s.role.resendAtMs) return O.none;
  return O.some({ state: { ...s, role: granting(s, timeMs) }, sends: [transfer(s)] });
};

// An epoch at or below its own is a grant that the node took before, delayed or sent again: to take it would make two
// holders. No node but the previous one grants to this one.
const isNewGrant = (s: Node, { source, message }: Packet<LockMessage>): boolean =>
  message.tag === 'transfer' && source === s.place.previous && s.role.tag !== 'holding' && message.epoch > s.epoch;

// Answered once for each time that it comes, and never by itself, so that answers end. The granters of earlier epochs
// need none: each of them has seen the lock come round since.
const isOldGrant = (s: Node, { source, message }: Packet<LockMessage>): boolean =>
  message.tag === 'transfer' && source === s.place.previous && message.epoch === s.epoch;

const isSettlement = (s: Node, { source, message }: Packet<LockMessage>): boolean =>
  message.tag === 'locked' && source === s.place.next && s.role.tag === 'granting' && message.epoch === s.epoch + 1;

// To accept ends this node's own wait for an answer as well: the lock came round, so its grant arrived.
const accept = (s: Node, packet: Packet<LockMessage>, timeMs: number): Next => {
  if (!isNewGrant(s, packet) || packet.message.tag !== 'transfer') return O.none;
  const { epoch } = packet.message;
  const role: Role = { tag: 'holding', grantAtMs: add(timeMs, s.place.parameters.holdMs) };
  return O.some({ state: { ...s, role, epoch }, sends: [packetTo(s, packet.source, { tag: 'locked', epoch })] });
};

const answerAgain = (s: Node, packet: Packet<LockMessage>): Next => {
  if (!isOldGrant(s, packet)) return O.none;
  return O.some({ state: s, sends: [packetTo(s, packet.source, { tag: 'locked', epoch: s.epoch })] });
};

const settle = (s: Node, packet: Packet<LockMessage>): Next => {
  if (!isSettlement(s, packet)) return O.none;
  return O.some({ state: { ...s, role: { tag: 'waiting' } }, sends: [] });
};

const answerStatus = (s: Node, { source, message }: Packet<LockMessage>): Next => {
  if (message.tag !== 'statusRequest') return O.none;
  const answer: LockMessage = { tag: 'status', nonce: message.nonce, holds: s.role.tag === 'holding', epoch: s.epoch };
  return O.some({ state: s, sends: [packetTo(s, source, answer)] });
};

// Loss is allowed, and yet a node may not ignore what it could use: the judge would not see a node that stopped listening.
const ignore = (s: Node, packet: Packet<LockMessage>): Next => {
  const useful =
    isNewGrant(s, packet) || isOldGrant(s, packet) || isSettlement(s, packet) || packet.message.tag === 'statusRequest';
  return useful ? O.none : O.some({ state: s, sends: [] });
};

const nodeStep = (s: Node, step: NodeStep): Next => {
  if ('packet' in step && step.packet.target !== s.place.me) return O.none;
  switch (step.tag) {
    case 'grant':
      return grant(s, step.timeMs);
    case 'resend':
      return resend(s, step.timeMs);
    case 'accept':
      return accept(s, step.packet, step.timeMs);
    case 'answerAgain':
      return answerAgain(s, step.packet);
    case 'settle':
      return settle(s, step.packet);
    case 'answerStatus':
      return answerStatus(s, step.packet);
    case 'ignore':
      return ignore(s, step.packet);
    default:
      return unreachable(step);
  }
};

/** The protocol that judges every node. */
export const lockProtocol: ProtocolHost<LockConfiguration, Node, LockMessage, NodeStep> = {
  name: 'lock',
  init: initNode,
  step: nodeStep,
  consumes: (step) => ('packet' in step ? step.packet : undefined),
  reads: (step) => ('timeMs' in step ? step.timeMs : undefined),
};

/** Every step that could be enabled: one way to consume each packet, and what the clock allows. */
export const lockSteps: EnabledSteps<Node, LockMessage, NodeStep> = (_, { inbox, nowMs }) => [
  { tag: 'grant', timeMs: nowMs },
  { tag: 'resend', timeMs: nowMs },
  ...inbox.flatMap((packet): readonly NodeStep[] => [
    { tag: 'accept', packet, timeMs: nowMs },
    { tag: 'answerAgain', packet },
    { tag: 'settle', packet },
    { tag: 'answerStatus', packet },
    { tag: 'ignore', packet },
  ]),
];
