/** A message set that uses every word of the schemas, for the network's tests. */
import { schema, type TypeOf } from '../../src/network/schema.js';

export const sampleSchema = schema((S) => {
  const ballot = S.struct({ seqno: S.nat, proposer: S.int(-200, 300) });
  const request = S.struct({ client: S.endPoint, seqno: S.nat, operation: S.bytes(200_000) });
  return S.sum('tag')({
    ping: S.struct({ tag: S.literal('ping'), epoch: S.nat }),
    request: S.struct({ tag: S.literal('request'), request }),
    propose: S.struct({ tag: S.literal('propose'), ballot, batch: S.list(request, 20) }),
    status: S.struct({
      tag: S.literal('status'),
      text: S.text(40),
      mode: S.literal('idle', 'busy', 3, null),
      low: S.int(Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER),
      last: S.nullable(S.list(S.boolean, 3)),
    }),
  });
});

export type SampleMessage = TypeOf<typeof sampleSchema>;
