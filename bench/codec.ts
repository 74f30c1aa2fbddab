/** What encoding, decoding and guarding cost: a small message, and a batch of 32 requests of about 130 bytes. */
import { codecOf } from '../src/network/message-codec.js';
import { guardOf, schema } from '../src/network/schema.js';
import { endPoint } from '../src/spec/endpoint.js';
import { E } from '../src/spec/prelude.js';

const messageSchema = schema((S) => {
  const ballot = S.struct({ seqno: S.nat, proposer: S.int(0, 31) });
  const request = S.struct({ client: S.endPoint, seqno: S.nat, operation: S.bytes(65_536) });
  return S.sum('tag')({
    heartbeat: S.struct({ tag: S.literal('heartbeat'), ballot, suspicious: S.boolean, operationsDone: S.nat }),
    request: S.struct({ tag: S.literal('request'), seqno: S.nat, operation: S.bytes(65_536) }),
    propose: S.struct({ tag: S.literal('propose'), ballot, operationNumber: S.nat, batch: S.list(request, 1024) }),
  });
});

const codec = codecOf(messageSchema);
const guard = guardOf(messageSchema);
const ballot = { seqno: 3, proposer: 1 };
const client = endPoint('127.0.0.1:40001');
const operation = new Uint8Array(110).fill(7);

const microsPer = (count: number, run: () => unknown): number => {
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 7; round++) {
    const start = performance.now();
    for (let i = 0; i < count; i++) if (run() === undefined) throw new Error('nothing came back');
    best = Math.min(best, ((performance.now() - start) * 1000) / count);
  }
  return best;
};

const cases = [
  ['heartbeat', 100_000, { tag: 'heartbeat', ballot, suspicious: false, operationsDone: 123_456 }],
  ['request of 128 bytes', 100_000, { tag: 'request', seqno: 77, operation: new Uint8Array(128) }],
  [
    'batch of 32 requests',
    5_000,
    {
      tag: 'propose',
      ballot,
      operationNumber: 90_000,
      batch: Array.from({ length: 32 }, (_, i) => ({ client, seqno: 1_000 + i, operation })),
    },
  ],
] as const;

for (const [name, count, message] of cases) {
  const bytes = codec.encode(message);
  if (E.isLeft(codec.decode(bytes))) throw new Error(`${name} does not decode`);
  const row = {
    encode: microsPer(count, () => codec.encode(message)),
    decode: microsPer(count, () => codec.decode(bytes)),
    guard: microsPer(count, () => guard.is(message)),
  };
  const cells = Object.entries(row).map(([what, micros]) => `${what} ${micros.toFixed(2)} µs`);
  console.log(`${name}, ${bytes.length} bytes: ${cells.join(', ')}`);
}
