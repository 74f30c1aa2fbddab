/** What the transport costs beyond the system's calls, and how many messages a second it moves over loopback. */

import { codecOf } from '../src/network/message-codec.js';
import { schema, type TypeOf } from '../src/network/schema.js';
import { SimulatedNetwork } from '../src/network/simulated-network.js';
import { openTransport, type Transport, type TransportOptions } from '../src/network/transport.js';
import { E } from '../src/spec/prelude.js';

const messageSchema = schema((S) => {
  const ballot = S.struct({ seqno: S.nat, proposer: S.int(0, 31) });
  return S.sum('tag')({
    vote: S.struct({ tag: S.literal('vote'), ballot, operationNumber: S.nat }),
    request: S.struct({ tag: S.literal('request'), seqno: S.nat, operation: S.bytes(65_536) }),
  });
});
type Message = TypeOf<typeof messageSchema>;
const codec = codecOf(messageSchema);
const vote: Message = { tag: 'vote', ballot: { seqno: 3, proposer: 1 }, operationNumber: 90_000 };

const open = async (dgram?: TransportOptions<Message>['dgram']): Promise<Transport<Message>> => {
  const opened = await openTransport({
    bind: { address: '127.0.0.1' },
    clusterName: 'bench',
    codec,
    datagramBytesMax: 16_384,
    inboxMessagesMax: 100_000,
    messageIdBase: 0,
    nowMs: () => performance.now(),
    ...(dgram === undefined ? {} : { dgram }),
  });
  if (E.isLeft(opened)) throw new Error(opened.left);
  return opened.right;
};

/** Microseconds per datagram without a system: encode, bundle, checks, decode, inbox. */
const inMemory = async (bundle: number): Promise<void> => {
  const sent: Uint8Array[] = [];
  const network = new SimulatedNetwork(({ bytes }) => sent.push(bytes));
  const [a, b] = [await open(network.dgram), await open(network.dgram)];
  const rounds = Math.ceil(200_000 / bundle);
  const from = { address: '127.0.0.1', port: 9000 };
  let best = { send: Number.POSITIVE_INFINITY, receive: Number.POSITIVE_INFINITY };
  for (let repeat = 0; repeat < 5; repeat++) {
    sent.length = 0;
    const start = performance.now();
    for (let i = 0; i < rounds; i++) {
      for (let j = 0; j < bundle; j++) a.send(b.me, codec.encode(vote));
      a.flush();
    }
    const middle = performance.now();
    for (const datagram of sent) {
      b.receive(datagram, from);
      while (b.inbox.shift() !== undefined);
    }
    const end = performance.now();
    best = {
      send: Math.min(best.send, ((middle - start) * 1000) / rounds),
      receive: Math.min(best.receive, ((end - middle) * 1000) / rounds),
    };
  }
  const perSecond = (micros: number): string => ((bundle / micros) * 1e6).toFixed(0);
  console.log(
    `in memory, ${bundle} a datagram: send ${best.send.toFixed(2)} µs, receive ${best.receive.toFixed(2)} µs a datagram` +
      ` (${perSecond(best.send)} and ${perSecond(best.receive)} messages/s)`,
  );
  await Promise.all([a.close(), b.close()]);
};

/** Messages a second from one socket to another of this process, both on one core. */
const loopback = async (bundle: number, seconds: number): Promise<void> => {
  const [a, b] = [await open(), await open()];
  let taken = 0;
  b.onMessages(() => {
    while (b.inbox.shift() !== undefined) taken++;
  });
  const start = performance.now();
  let sent = 0;
  while (performance.now() - start < seconds * 1000) {
    for (let i = 0; i < 24; i++) {
      for (let j = 0; j < bundle; j++) a.send(b.me, codec.encode(vote));
      a.flush();
      sent += bundle;
    }
    await new Promise(setImmediate);
  }
  await new Promise((done) => setTimeout(done, 100));
  const elapsed = (performance.now() - start) / 1000 - 0.1;
  console.log(
    `loopback, ${bundle} a datagram: ${(taken / elapsed).toFixed(0)} messages/s, ` +
      `${(taken / bundle / elapsed).toFixed(0)} datagrams/s both ways on one core, lost ${sent - taken} of ${sent}`,
  );
  await Promise.all([a.close(), b.close()]);
};

for (const bundle of [1, 64]) await inMemory(bundle);
for (const bundle of [1, 64]) await loopback(bundle, 2);
