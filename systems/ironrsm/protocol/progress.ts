/** The steps of a replica that sees no progress, and its heartbeats (README.md, "heartbeat", "checkProgress"). */
import type { EndPoint } from '../../../src/spec/endpoint.js';
import { add } from '../../../src/spec/nat.js';
import type { Packet } from '../../../src/spec/packet.js';
import { ballotOrd, type RsmMessage } from '../messages.js';
import { holdersOfMissing } from './learner.js';
import { isLeading, isMine } from './proposer.js';
import { packetTo, type Replica, toAll, toOthers } from './state.js';
import type { Effect, ReplicaStep } from './step.js';
import { askedAhead, inboundChecked } from './transfer.js';

export const heartbeat = (s: Replica, now: number): Effect | undefined => {
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
  if (!isLeading(s)) return [];
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
  const { ballot, promises, phase } = s.proposer;
  if (phase !== 'phase1' || !isMine(s)) return [];
  const { replicas } = s.constants.configuration;
  return toOthers(s, { tag: '1a', ballot }).filter((p) => !promises.has(replicas.indexOf(p.target)));
};

/** A batch that a quorum voted for and this replica lacks; `undefined` where `index` is no replica to ask, or null though there is one. */
const fetched = (s: Replica, index: number | null): readonly Packet<RsmMessage>[] | undefined => {
  const holders = holdersOfMissing(s);
  if (index === null) return holders.length === 0 ? [] : undefined;
  if (!holders.includes(index)) return undefined;
  const target = s.constants.configuration.replicas[index] as EndPoint;
  return [packetTo(s, target, { tag: 'batchRequest', ballot: s.learner.maxBal, opn: s.executor.opsComplete })];
};

type CheckProgress = Extract<ReplicaStep, { tag: 'checkProgress' }>;

const stalled = (s: Replica, { fetchFrom, askFrom }: CheckProgress): Effect | undefined => {
  const again = [...resends1a(s), ...resends2a(s)];
  const { inbound } = s.transfer;
  if (inbound !== null) {
    if (fetchFrom !== null || askFrom !== null) return undefined;
    const { state, sends } = inboundChecked(s, inbound);
    return { state, sends: [...again, ...sends] };
  }
  const fetches = fetched(s, fetchFrom);
  const asks = askedAhead(s, askFrom);
  return fetches && asks && { state: asks.state, sends: [...again, ...fetches, ...asks.sends] };
};

export const checkProgress = (s: Replica, step: CheckProgress): Effect | undefined => {
  const { opsComplete } = s.executor;
  if (step.timeMs < s.timers.nextProgressCheckMs) return undefined;
  const isStalled = opsComplete === s.timers.opsAtLastCheck;
  if (!isStalled && (step.fetchFrom !== null || step.askFrom !== null)) return undefined;
  const acted = isStalled ? stalled(s, step) : { state: s, sends: [] };
  if (acted === undefined) return undefined;
  const { retransmitPeriodMs, retransmitPeriodMsMax } = s.constants.configuration.parameters;
  const backsOff = acted.sends.length > 0 && s.transfer.inbound === null;
  const retransmitMs = backsOff ? Math.min(2 * s.timers.retransmitMs, retransmitPeriodMsMax) : retransmitPeriodMs;
  const nextProgressCheckMs = add(step.timeMs, retransmitMs);
  return {
    state: {
      ...acted.state,
      timers: { ...s.timers, retransmitMs, nextProgressCheckMs, opsAtLastCheck: opsComplete },
    },
    sends: acted.sends,
  };
};
