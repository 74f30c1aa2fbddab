/** What a campaign of IronRSM must have reached, or it was vacuous. */
import type { Transition } from '../../../src/refinement/transition.js';
import type { RsmMessage } from '../messages.js';
import type { Replica, ReplicaStep } from '../protocol.js';

/** The names of the goals. */
export const ironrsmGoals = [
  'executed request',
  'view change',
  'truncation',
  'inherited vote or filled gap',
  'catch-up from the log',
  'state transfer',
  'batch fetched',
  'session expired',
  'retry answered from what is kept',
  'SEQNO_REUSED refused',
  'REQUEST_TOO_LARGE refused',
  'redirect',
] as const;

type Goal = (typeof ironrsmGoals)[number];
type RsmTransition = Transition<Replica, RsmMessage, ReplicaStep>;

const ofAnswer = ({ sends }: RsmTransition): Goal | undefined => {
  for (const { message } of sends) {
    if (message.tag === 'redirect') return 'redirect';
    if (message.tag === 'reply') return 'retry answered from what is kept';
    if (message.tag === 'refused' && message.reason === 'SEQNO_REUSED') return 'SEQNO_REUSED refused';
    if (message.tag === 'refused' && message.reason === 'REQUEST_TOO_LARGE') return 'REQUEST_TOO_LARGE refused';
  }
  return undefined;
};

const ofPacket = (t: RsmTransition, tag: RsmMessage['tag']): Goal | undefined => {
  const { before, after } = t;
  switch (tag) {
    case 'open':
    case 'request':
      return ofAnswer(t);
    case 'batchSupply':
      return after.learner === before.learner ? undefined : 'batch fetched';
    case 'statePiece':
      return after.executor.opsComplete > before.executor.opsComplete ? 'state transfer' : undefined;
    default:
      return undefined;
  }
};

const ofExecution = ({ before, after }: RsmTransition): Goal | undefined => {
  const [was, is] = [before.executor.machine.sessions, after.executor.machine.sessions];
  if (was.live.size + is.nextSession - was.nextSession > is.live.size) return 'session expired';
  return before.executor.machine.app === after.executor.machine.app ? undefined : 'executed request';
};

/** The goal that a protocol step reaches, if any. */
export const reached = (t: RsmTransition): Goal | undefined => {
  const { step, before, after } = t;
  switch (step.tag) {
    case 'execute':
      return ofExecution(t);
    case 'enterPhase2':
      return before.proposer.ballot.seqno > 1 || before.proposer.ballot.proposer > 0 ? 'view change' : undefined;
    case 'truncate':
      return 'truncation';
    case 'nominate':
      return before.proposer.votedMax >= before.proposer.nextOpn ? 'inherited vote or filled gap' : undefined;
    case 'decide':
      return after.executor.decided?.ballot === null ? 'catch-up from the log' : undefined;
    case 'process':
      return ofPacket(t, step.packet.message.tag);
    default:
      return undefined;
  }
};
