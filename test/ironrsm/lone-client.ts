/** One client under virtual time, against messages that the test makes. */
import { type EndPoint, endPoint } from '../../src/spec/endpoint.js';
import { ClientCore, type ClientCoreOptions, type Outcome } from '../../systems/ironrsm/client.js';
import { joined, type Message, type RsmMessage } from '../../systems/ironrsm/messages.js';

export const replicas = [endPoint('127.0.0.1:7001'), endPoint('127.0.0.1:7002'), endPoint('127.0.0.1:7003')] as const;
export const [first, second, third] = replicas;
export const value = Buffer.from('value');
/** Of a request whose one operation is `value`, and of its reply. */
export const alone = joined([value]);

/**
 * A client under virtual time, with what it sent and how its operations ended. Each operation has a request of its own unless the test
 * gives a `requestBytesMax`. With `defers` they wait for a `flush`, which the client asks for in `defers.count`.
 */
export const clientWith = (options: Partial<ClientCoreOptions> = {}, defers?: { count: number }) => {
  const sent: { readonly targets: readonly EndPoint[]; readonly messages: readonly RsmMessage[] }[] = [];
  const outcomes: [number, Outcome][] = [];
  let nonces = 40;
  const core = new ClientCore(
    {
      ...{ replicas, ordered: false, window: 4, retryMs: 100, retryMsMax: 400, requestBytesMax: 1 },
      ...{ random: () => 0.5, nonce: () => nonces++, ...options },
    },
    {
      send: (targets, messages) => sent.push({ targets, messages }),
      settled: (id, outcome) => outcomes.push([id, outcome]),
      ...(defers === undefined ? {} : { defer: () => void defers.count++ }),
    },
  );
  /** The seqnos of the requests in the last send. */
  const lastSeqnos = (): number[] => (sent.at(-1)?.messages ?? []).map((m) => (m.tag === 'request' ? m.seqno : -1));
  return { core, sent, outcomes, lastSeqnos };
};

export const opened = (nonce = 40, session = 9): Message<'opened'> => ({ tag: 'opened', nonce, session });
export const reply = (seqno: number, session = 9, replies = alone): Message<'reply'> => ({
  ...{ tag: 'reply', session, seqno, value: replies },
});
export const refused = (seqno: number, reason: Message<'refused'>['reason'], session = 9): Message<'refused'> => ({
  ...{ tag: 'refused', session, seqno, reason },
});
export const redirect = (seqno: number, proposer: number): Message<'redirect'> => ({
  ...{ tag: 'redirect', view: { seqno, proposer } },
});

/** A client whose session 9 was opened by the second replica, with `requests` outstanding, made at 0 for 5 s. */
export const openClient = (requests: number, options: Partial<ClientCoreOptions> = {}) => {
  const client = clientWith(options);
  for (let i = 0; i < requests; i++) client.core.request(0, value, 5000);
  client.core.onPacket(second, opened(), 0);
  return client;
};
