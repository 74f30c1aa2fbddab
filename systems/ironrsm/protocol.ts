/**
 * The protocol of an IronRSM replica: Multi-Paxos with batching, log truncation, view changes and state transfer
 * (README.md; IronFleet, SOSP 2015, section 5.1). One function for each action; `undefined` where it is not enabled.
 */
import type { ProtocolHost } from '../../src/protocol/protocol.js';
import { add } from '../../src/spec/nat.js';
import type { Packet } from '../../src/spec/packet.js';
import { O, unreachable } from '../../src/spec/prelude.js';
import type { Configuration } from './configuration.js';
import type { RsmMessage } from './messages.js';
import { ballotOrd } from './messages.js';
import { process1a, process2a, quorumCheckpoint, truncatedTo } from './protocol/acceptor.js';
import { processHeartbeat, suspicionsChecked, viewTimeoutChecked } from './protocol/election.js';
import {
  decided,
  executed,
  process2b,
  processAppStateRequest,
  processAppStateSupply,
  processStartingPhase2,
} from './protocol/executor.js';
import { newViewEntered, nominated, phase2Entered, process1b, processRequest } from './protocol/proposer.js';
import { initReplica, packetTo, type Replica, toAll, toOthers } from './protocol/state.js';
import type { Effect, ReplicaStep } from './protocol/step.js';

export * from './protocol/state.js';
export type { ReplicaStep } from './protocol/step.js';

/** Whether this replica's ballot is the view and has come to `phase`; a deposed proposer retransmits nothing. */
const inPhase = (s: Replica, phase: 'phase1' | 'phase2'): boolean =>
  s.proposer.phase === phase && ballotOrd.equals(s.proposer.ballot, s.election.view);

const processStatusRequest = (s: Replica, source: Packet<RsmMessage>['source'], nonce: number): Effect => {
  const { view } = s.election;
  const leading = inPhase(s, 'phase2');
  const { truncationPoint } = s.acceptor;
  const status = { tag: 'status', nonce, view, leading, opsComplete: s.executor.opsComplete, truncationPoint } as const;
  return { state: s, sends: [packetTo(s, source, status)] };
};

/** A packet of a kind that only replicas send; `sender` is its source's index. */
const processFromReplica = (
  s: Replica,
  sender: number,
  packet: Packet<RsmMessage>,
  now: number | undefined,
): Effect | undefined => {
  const m = packet.message;
  const quiet = (state: Replica): Effect => ({ state, sends: [] });
  switch (m.tag) {
    case '1a':
      return process1a(s, sender, packet.source, m);
    case '1b':
      return process1b(s, sender, m);
    case '2a':
      return process2a(s, sender, m);
    case '2b':
      return quiet(process2b(s, sender, m));
    case 'heartbeat':
      return now === undefined ? undefined : quiet(processHeartbeat(s, sender, m, now));
    case 'startingPhase2':
      return processStartingPhase2(s, m);
    case 'appStateRequest':
      return processAppStateRequest(s, packet.source, m);
    case 'appStateSupply':
      return quiet(processAppStateSupply(s, m));
    default:
      return quiet(s);
  }
};

const process = (s: Replica, packet: Packet<RsmMessage>, now: number | undefined): Effect | undefined => {
  const m = packet.message;
  if (packet.target !== s.constants.me) return undefined;
  if (m.tag === 'request') return processRequest(s, { client: packet.source, seqno: m.seqno, value: m.value });
  if (m.tag === 'statusRequest') return processStatusRequest(s, packet.source, m.nonce);
  const sender = s.constants.configuration.replicas.indexOf(packet.source);
  // From a stranger, or of a kind that replicas do not take: consumed without effect.
  if (sender < 0) return { state: s, sends: [] };
  return processFromReplica(s, sender, packet, now);
};

const heartbeat = (s: Replica, now: number): Effect | undefined => {
  if (now < s.timers.nextHeartbeatMs) return undefined;
  const { view, suspectors } = s.election;
  const suspicious = suspectors.includes(s.constants.index);
  const nextHeartbeatMs = add(now, s.constants.configuration.parameters.heartbeatPeriodMs);
  return {
    state: { ...s, timers: { ...s.timers, nextHeartbeatMs } },
    sends: toAll(s, { tag: 'heartbeat', view, suspicious, opsComplete: s.executor.opsComplete }),
  };
};

const resends2a = (s: Replica): readonly Packet<RsmMessage>[] => {
  const { ballot, nextOpn } = s.proposer;
  if (!inPhase(s, 'phase2')) return [];
  const from = Math.max(s.executor.opsComplete, s.acceptor.truncationPoint);
  const sends: Packet<RsmMessage>[] = [];
  let left = s.constants.configuration.parameters.resendOpsMax;
  for (let opn = from; opn < nextOpn && left > 0; opn++) {
    const vote = s.acceptor.votes.get(opn);
    if (vote === undefined || !ballotOrd.equals(vote.ballot, ballot)) continue;
    sends.push(...toOthers(s, { tag: '2a', ballot, opn, batch: vote.batch }));
    left--;
  }
  return sends;
};

const resends1a = (s: Replica): readonly Packet<RsmMessage>[] => {
  const { ballot, promises } = s.proposer;
  if (!inPhase(s, 'phase1')) return [];
  const { replicas } = s.constants.configuration;
  return toOthers(s, { tag: '1a', ballot }).filter((p) => !promises.has(replicas.indexOf(p.target)));
};

const stateRequests = (s: Replica): readonly Packet<RsmMessage>[] => {
  const { checkpoints } = s.acceptor;
  const highest = Math.max(...checkpoints);
  if (highest <= s.executor.opsComplete) return [];
  const target = s.constants.configuration.replicas[checkpoints.indexOf(highest)];
  if (target === undefined) return [];
  return [packetTo(s, target, { tag: 'appStateRequest', opn: s.executor.opsComplete + 1 })];
};

const checkProgress = (s: Replica, now: number): Effect | undefined => {
  if (now < s.timers.nextProgressCheckMs) return undefined;
  const stalled = s.executor.opsComplete === s.timers.opsAtLastCheck;
  const nextProgressCheckMs = add(now, s.constants.configuration.parameters.retransmitPeriodMs);
  return {
    state: { ...s, timers: { ...s.timers, nextProgressCheckMs, opsAtLastCheck: s.executor.opsComplete } },
    sends: stalled ? [...resends1a(s), ...resends2a(s), ...stateRequests(s)] : [],
  };
};

const truncate = (s: Replica): Effect | undefined => {
  const point = quorumCheckpoint(s);
  if (point <= s.acceptor.truncationPoint) return undefined;
  return { state: { ...s, acceptor: truncatedTo(s.acceptor, point) }, sends: [] };
};

const quietly = (state: Replica | undefined): Effect | undefined => state && { state, sends: [] };

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
      return truncate(s);
    case 'decide':
      return decided(s);
    case 'execute':
      return executed(s);
    case 'checkViewTimeout':
      return quietly(viewTimeoutChecked(s, step.timeMs));
    case 'checkSuspicions':
      return quietly(suspicionsChecked(s, step.timeMs));
    case 'heartbeat':
      return heartbeat(s, step.timeMs);
    case 'checkProgress':
      return checkProgress(s, step.timeMs);
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
