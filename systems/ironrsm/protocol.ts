/**
 * The protocol of an IronRSM replica: Multi-Paxos with batching, sessions, votes by digest, log truncation, view changes and
 * catch-up (README.md; IronFleet, SOSP 2015, section 5.1). One function for each action; `undefined` where it is not enabled.
 */
import type { ProtocolHost } from '../../src/protocol/protocol.js';
import type { Packet } from '../../src/spec/packet.js';
import { O, unreachable } from '../../src/spec/prelude.js';
import type { Configuration } from './configuration.js';
import type { RsmMessage } from './messages.js';
import { process1a, process2a, processBatchRequest, truncated } from './protocol/acceptor.js';
import { processHeartbeat, suspicionsChecked, viewTimeoutChecked } from './protocol/election.js';
import { executed } from './protocol/executor.js';
import { decided, process2b, processBatchSupply } from './protocol/learner.js';
import { checkProgress, heartbeat } from './protocol/progress.js';
import {
  isLeading,
  newViewEntered,
  nominated,
  phase2Entered,
  process1b,
  processOpen,
  processRequest,
} from './protocol/proposer.js';
import { initReplica, packetTo, type Replica } from './protocol/state.js';
import { type Effect, nothing, type ReplicaStep } from './protocol/step.js';
import {
  catchUpContinued,
  processCatchUpRequest,
  processCatchUpSupply,
  processStatePiece,
  processStateRequest,
} from './protocol/transfer.js';

export type { Answer, Machine, Session, Sessions } from './protocol/machine.js';
export * from './protocol/state.js';
export type { ReplicaStep } from './protocol/step.js';

const processStatusRequest = (s: Replica, source: Packet<RsmMessage>['source'], nonce: number): Effect => {
  const { opsComplete, machine } = s.executor;
  const status: RsmMessage = {
    tag: 'status',
    nonce,
    view: s.election.view,
    leading: isLeading(s),
    opsComplete,
    truncationPoint: s.acceptor.truncationPoint,
    sessions: machine.sessions.live.size,
  };
  return { state: s, sends: [packetTo(s, source, status)] };
};

/** A packet of a kind that only replicas send; `sender` is its source's index. */
const processFromReplica = (
  s: Replica,
  sender: number,
  { source, message: m }: Packet<RsmMessage>,
  now: number | undefined,
): Effect | undefined => {
  switch (m.tag) {
    case '1a':
      return process1a(s, sender, source, m);
    case '1b':
      return process1b(s, sender, m);
    case '2a':
      return process2a(s, sender, m);
    case '2b':
      return nothing(process2b(s, sender, m));
    case 'batchRequest':
      return processBatchRequest(s, source, m);
    case 'batchSupply':
      return nothing(processBatchSupply(s, m));
    case 'heartbeat':
      return now === undefined ? undefined : nothing(processHeartbeat(s, sender, m, now));
    case 'catchUpRequest':
      return processCatchUpRequest(s, sender, source, m);
    case 'catchUpSupply':
      return nothing(processCatchUpSupply(s, sender, m));
    case 'stateRequest':
      return processStateRequest(s, sender, source, m);
    case 'statePiece':
      return processStatePiece(s, sender, source, m);
    default:
      return nothing(s);
  }
};

const process = (s: Replica, packet: Packet<RsmMessage>, now: number | undefined): Effect | undefined => {
  const { source, target, message: m } = packet;
  if (target !== s.constants.me) return undefined;
  if (m.tag === 'request') return processRequest(s, source, m);
  if (m.tag === 'open') return processOpen(s, source, m);
  if (m.tag === 'statusRequest') return processStatusRequest(s, source, m.nonce);
  const sender = s.constants.configuration.replicas.indexOf(source);
  // From a stranger, or of a kind that replicas do not take: consumed without effect.
  return sender < 0 ? nothing(s) : processFromReplica(s, sender, packet, now);
};

const quietly = (state: Replica | undefined): Effect | undefined => state && nothing(state);

const effect = (s: Replica, step: ReplicaStep): Effect | undefined => {
  switch (step.tag) {
    case 'process':
      return process(s, step.packet, step.timeMs);
    case 'enterNewView':
      return newViewEntered(s);
    case 'enterPhase2':
      return phase2Entered(s);
    case 'nominate':
      return nominated(s, step.count);
    case 'truncate':
      return truncated(s);
    case 'decide':
      return decided(s);
    case 'execute':
      return executed(s);
    case 'catchUp':
      return catchUpContinued(s);
    case 'checkViewTimeout':
      return quietly(viewTimeoutChecked(s, step.timeMs));
    case 'checkSuspicions':
      return quietly(suspicionsChecked(s, step.timeMs));
    case 'heartbeat':
      return heartbeat(s, step.timeMs);
    case 'checkProgress':
      return checkProgress(s, step);
    default:
      return unreachable(step);
  }
};

/** The protocol that judges every replica. */
export const ironrsmProtocol: ProtocolHost<Configuration, Replica, RsmMessage, ReplicaStep> = {
  name: 'ironrsm',
  init: initReplica,
  step: (s, step) => O.fromNullable(effect(s, step)),
  consumes: (step) => (step.tag === 'process' ? step.packet : undefined),
  reads: (step) => ('timeMs' in step ? step.timeMs : undefined),
};
