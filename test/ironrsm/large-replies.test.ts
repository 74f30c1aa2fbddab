/** Replies that no message has room for: the request changes nothing and is answered all the same, in host, protocol, spec and judge alike. */
import { describe, expect, it } from 'vitest';
import { O } from '../../src/spec/prelude.js';
import { type AnyApplication, wholeState } from '../../systems/ironrsm/application.js';
import { counter } from '../../systems/ironrsm/applications/counter.js';
import { defaultParameters } from '../../systems/ironrsm/configuration.js';
import { folded, foldOfNothing } from '../../systems/ironrsm/history/fold.js';
import { joined, partHeaderBytes, type Request, rsmCodec, wireMax } from '../../systems/ironrsm/messages.js';
import { initMachine, ran } from '../../systems/ironrsm/protocol/machine.js';
import { type RsmStep, rsmService } from '../../systems/ironrsm/spec.js';
import { batchOf, bytesOf, execute, LoneReplica, messagesOf, open } from './lone-replica.js';
import { clientAt, replicaAt } from './recorder.js';

const encode = (count: number): Uint8Array => bytesOf(String(count));

/** Counts, and answers with as many bytes as the request says. */
const lengthy: AnyApplication = {
  name: 'lengthy',
  initial: 0,
  apply: (state, request) => ({
    state: (state as number) + 1,
    reply: new Uint8Array(Number(Buffer.from(request).toString())),
  }),
  ...wholeState<unknown>((state) => encode(state as number), counter.join.bind(counter, 0)),
};

const configuration = { replicas: [0, 1, 2].map(replicaAt), app: lengthy, parameters: defaultParameters };

const room = wireMax.valueBytes - partHeaderBytes;

/** What one request with operations of these replies leaves and answers, seen by all four. */
const outcomes = (...lengths: readonly number[]): readonly (readonly [app: unknown, replyBytes: number])[] => {
  const value = joined(lengths.map(encode));
  const requests: readonly Request[] = [open(0, 0), execute(1, { value })];
  const lone = new LoneReplica({}, lengthy);
  lone.lead();
  const io = lone.decide(1, ...requests);
  const [reply] = messagesOf('reply', io.sent);
  if (reply === undefined) throw new Error('no reply');
  // It can be sent.
  rsmCodec.encode(reply);
  const { machine } = ran(configuration, initMachine(configuration), requests);
  const { fold } = folded(configuration, foldOfNothing(configuration), batchOf(...requests));
  const service = rsmService(configuration);
  const client = clientAt(0);
  const steps: readonly RsmStep[] = [
    { tag: 'open', client, nonce: 0, ordered: false },
    { tag: 'execute', client, session: 0, seqno: 1, value },
  ];
  const spec = steps.reduce((state, step) => O.getOrElseW(() => state)(service.next(state, step)), service.init);
  const held = [...lone.host.executor.done.values()].map(({ reply: kept }) => kept.length);
  expect(held).toEqual([reply.value.length]);
  return [
    [lone.host.executor.app, reply.value.length],
    [machine.app, machine.sessions.replyBytes],
    [fold.app, fold.replyBytes],
    [spec.app, spec.replyBytes],
  ];
};

const all = (app: number, replyBytes: number) => Array.from({ length: 4 }, () => [app, replyBytes]);

describe('a request', () => {
  it('is executed where a message just has room for the replies to its operations', () => {
    expect(outcomes(room)).toEqual(all(1, wireMax.valueBytes));
    expect(outcomes(1000, room - 1000 - partHeaderBytes)).toEqual(all(2, wireMax.valueBytes));
  });

  it('changes nothing, and has an empty reply, where the replies are one byte longer', () => {
    expect(outcomes(room + 1)).toEqual(all(0, 0));
    expect(outcomes(1000, room - 999 - partHeaderBytes, 5)).toEqual(all(0, 0));
  });
});
