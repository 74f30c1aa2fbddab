/** A small cluster of IronRSM's real host code, for the explorer: every order in which its packets may arrive, each step judged. */
import { type HostedState, hostModel, type Reading } from '../../src/refinement/explorer/host-model.js';
import { always, type SuccessorModel, sometimes } from '../../src/refinement/explorer.js';
import { equalBytes } from '../../src/spec/bytes.js';
import { endPoint } from '../../src/spec/endpoint.js';
import { counter } from './applications/counter.js';
import { defaultParameters } from './configuration.js';
import { ironrsm } from './main.js';
import type { RsmMessage } from './messages.js';
import type { Replica } from './protocol.js';

/** Whether no two replicas executed different batches as one operation. */
const logsAgree = (replicas: readonly Replica[]): boolean => {
  const [first, ...others] = replicas;
  if (first === undefined) return true;
  return others.every((other) =>
    [...first.executor.log].every(([opn, batch]) => {
      const theirs = other.executor.log.get(opn);
      return theirs === undefined || equalBytes(theirs, batch);
    }),
  );
};

/**
 * `size` replicas, a client that opens a session at the first of them, and at most `stepsMax` steps of each replica. The clock stands
 * still: after the first heartbeats no timer is due.
 */
export const ironrsmHosts = (size: number, stepsMax: number): SuccessorModel<HostedState<RsmMessage>, string> => {
  const replicas = Array.from({ length: size }, (_, i) => endPoint(`10.0.0.${i + 1}:7000`));
  return hostModel({
    name: `host code of ironrsm with ${size} replicas, ${stepsMax} steps each`,
    definition: ironrsm,
    constants: { replicas, app: counter, parameters: { ...defaultParameters, sessionWindow: 4 } },
    hosts: replicas,
    receiveMax: 1,
    stepsMax,
    clientPackets: replicas.slice(0, 1).map((target) => ({
      source: endPoint('10.0.1.1:9000'),
      target,
      message: { tag: 'open', nonce: 1, ordered: false },
    })),
    properties: [
      always<Reading<Replica, RsmMessage>>('replicas execute the same batch as an operation', ({ hosts }) =>
        logsAgree([...hosts.values()]),
      ),
      sometimes<Reading<Replica, RsmMessage>>('a client is answered', ({ sent }) =>
        sent.some(({ message }) => message.tag === 'opened'),
      ),
    ],
  });
};
