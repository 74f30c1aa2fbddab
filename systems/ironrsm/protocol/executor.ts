/** Execution (README.md, "execute"; IronFleet, SOSP 2015, section 5.1). */
import { successor } from '../../../src/spec/nat.js';
import { forgetting } from './election.js';
import { ran, requestsOf } from './machine.js';
import { type Executor, packetTo, type Replica } from './state.js';
import type { Effect } from './step.js';

/** The log of executed batches with one more, and without those that are too old to be kept. */
const logged = (s: Replica, batch: Uint8Array): Pick<Executor, 'log' | 'logStart' | 'logBytes'> => {
  const e = s.executor;
  const { retainOpsMax, retainBytesMax } = s.constants.configuration.parameters;
  let { logStart } = e;
  let logBytes = e.logBytes + batch.length;
  const log = e.log.withMutations((draft) => {
    draft.set(e.opsComplete, batch);
    while (draft.size > retainOpsMax || (logBytes > retainBytesMax && draft.size > 0)) {
      logBytes -= (draft.get(logStart) as Uint8Array).length;
      draft.delete(logStart);
      logStart++;
    }
  });
  return { log, logStart, logBytes };
};

/** `undefined` unless the next operation is decided. */
export const executed = (s: Replica): Effect | undefined => {
  const { decided, opsComplete, machine } = s.executor;
  if (decided === null) return undefined;
  const { configuration, index } = s.constants;
  const requests = requestsOf(decided.batch);
  const { machine: after, answers } = ran(configuration, machine, requests);
  const next = successor(opsComplete);
  const { inbound, supplied } = s.transfer;
  const state: Replica = {
    ...s,
    executor: { opsComplete: next, machine: after, decided: null, ...logged(s, decided.batch) },
    learner: { ...s.learner, slots: s.learner.slots.delete(opsComplete) },
    transfer: {
      ...s.transfer,
      supplied: supplied.delete(opsComplete),
      inbound: inbound !== null && inbound.opn <= next ? null : inbound,
    },
    election: forgetting(s.election, requests, configuration.parameters.sessionWindow),
  };
  const mine = decided.ballot !== null && decided.ballot.proposer === index;
  return { state, sends: mine ? answers.map(({ client, message }) => packetTo(s, client, message)) : [] };
};
