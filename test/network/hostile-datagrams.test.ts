/** Bad input: any datagram, of any bytes, from anyone. */
import { crc32 } from 'node:zlib';
import { expect, test } from 'vitest';
import {
  bundledMessageHeaderBytes,
  clusterIdOf,
  frameHeaderBytes,
  writeAck,
  writeBundle,
  writeChunk,
} from '../../src/network/frame.js';
import { codecOf } from '../../src/network/message-codec.js';
import { guardOf } from '../../src/network/schema.js';
import { SimulatedNetwork } from '../../src/network/simulated-network.js';
import { openTransport } from '../../src/network/transport.js';
import { VirtualTime } from '../../src/refinement/simulation/virtual-time.js';
import { endPoint } from '../../src/spec/endpoint.js';
import { E } from '../../src/spec/prelude.js';
import { chunksOf } from './chunks.js';
import { type SampleMessage, sampleSchema } from './sample-messages.js';

const seed = 20_261_120;
const datagramsCount = 1_000_000;
const cluster = clusterIdOf('test');
const codec = codecOf(sampleSchema);
const guard = guardOf(sampleSchema);

/** Marsaglia's xorshift: fast, and the same in every run. */
const randomFrom = (start: number) => {
  let state = start;
  return (below: number): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
};

const random = randomFrom(seed);

const operation = new Uint8Array(30).fill(5);
const request = { client: endPoint('10.0.0.9:9'), seqno: 2 ** 40, operation };
const messages: readonly SampleMessage[] = [
  { tag: 'ping', epoch: 3 },
  { tag: 'request', request },
  { tag: 'propose', ballot: { seqno: 3, proposer: -1 }, batch: [request, request] },
  { tag: 'status', text: 'idle é', mode: 'idle', low: -(2 ** 50), last: [true, false] },
];

/** Acks for the ids of what the transport itself has under way, and for others. */
const acks = (): readonly Buffer[] => {
  const bitmap = Uint8Array.of(5, 0, 129);
  const partial = { id: 1_000, assembly: 3, status: 'partial', missing: 2, bitmap } as const;
  return [
    writeAck(partial, cluster),
    writeAck({ ...partial, missing: 0, bitmap: Uint8Array.of(1) }, cluster),
    writeAck({ ...partial, id: 1_001, missing: 1, bitmap: new Uint8Array(0) }, cluster),
    writeAck({ ...partial, id: 9, status: 'complete', bitmap: new Uint8Array(0) }, cluster),
  ];
};

const validDatagrams = (): readonly Buffer[] => {
  const encoded = messages.map(codec.encode);
  const bundle = (parts: readonly Uint8Array[]): Buffer => {
    const bodyBytes = parts.reduce((sum, part) => sum + part.length + bundledMessageHeaderBytes, 0);
    return writeBundle(parts, 0, parts.length, bodyBytes, cluster);
  };
  const long = codec.encode({ tag: 'request', request: { ...request, operation: new Uint8Array(700) } });
  const chunks = chunksOf(long, 77, 300).map((chunk, i) => writeChunk({ ...chunk, ackWanted: i === 1 }, cluster));
  const tooLong = chunksOf(new Uint8Array(60_000), 78, 1_200).slice(0, 1);
  const chunked = [...chunks, ...tooLong.map((chunk) => writeChunk(chunk, cluster))];
  return [bundle(encoded), bundle(encoded.slice(0, 1)), bundle(encoded.slice(2)), ...chunked, ...acks()];
};

const valid = validDatagrams();

/** Makes the checksum right again, so that what is wrong gets past it. */
const reseal = (datagram: Buffer): Buffer => {
  if (datagram.length <= frameHeaderBytes) return datagram;
  datagram.writeUInt32BE(crc32(datagram.subarray(frameHeaderBytes), (cluster ^ (datagram[3] as number)) >>> 0), 8);
  return datagram;
};

const noise = (): Buffer => {
  const datagram = Buffer.allocUnsafe(random(80));
  for (let i = 0; i < datagram.length; i++) datagram[i] = random(256);
  return datagram;
};

const mutated = (): Buffer => {
  const base = valid[random(valid.length)] as Buffer;
  const how = random(4);
  if (how === 0) return Buffer.from(base.subarray(0, random(base.length)));
  if (how === 1) {
    const other = valid[random(valid.length)] as Buffer;
    return Buffer.concat([base.subarray(0, random(base.length)), other.subarray(random(other.length))]);
  }
  const datagram = Buffer.from(base);
  for (let flips = random(4); flips >= 0; flips--) {
    const at = how === 2 ? random(datagram.length) : frameHeaderBytes + random(datagram.length - frameHeaderBytes);
    datagram[at] = random(2) === 0 ? random(256) : (datagram[at] as number) ^ (1 << random(8));
  }
  return datagram;
};

const hostileDatagram = (): Buffer => {
  const kind = random(10);
  if (kind === 0) return noise();
  if (kind === 1) return valid[random(valid.length)] as Buffer;
  return kind < 5 ? mutated() : reseal(mutated());
};

const total = (counters: Readonly<Record<string, number>>, names: readonly string[]): number =>
  names.reduce((sum, name) => sum + (counters[name] as number), 0);

test(`a million random and mutated datagrams (seed ${seed}) change nothing but counters, valid packets and what their acks are about`, async () => {
  let sent = 0;
  let sentBytes = 0;
  const network = new SimulatedNetwork(({ bytes }) => {
    sent++;
    sentBytes += bytes.length;
  });
  const time = new VirtualTime();
  const opened = await openTransport({
    bind: endPoint('10.0.0.1:1'),
    clusterName: 'test',
    codec,
    datagramBytesMax: 1_200,
    inboxMessagesMax: 4,
    messageIdBase: 1_000,
    nowMs: () => time.nowMs,
    after: (delayMs, callback) => time.after(delayMs, callback),
    pacing: { unacknowledgedBytesMax: 300_000, giveUpMs: 2_000 },
    bundleMessagesMax: 3,
    reassembly: { messageBytesMax: 50_000, heldBytesMax: 200_000, messagesPerSourceMax: 16, ageMsMax: 50 },
    dgram: network.dgram,
  });
  if (E.isLeft(opened)) throw new Error(opened.left);
  const transport = opened.right;
  const { counters } = transport;
  const tick = (toMs: number): void => {
    while (time.nextMs <= toMs) time.runNext();
    time.at(toMs, () => undefined);
    time.runNext();
  };
  const large = (i: number): Uint8Array =>
    codec.encode({ tag: 'request', request: { ...request, seqno: i, operation: new Uint8Array(30_000) } });
  let taken = 0;
  for (let i = 0; i < datagramsCount; i++) {
    tick(i / 100);
    if (i % 20_000 === 0) {
      transport.send(endPoint('10.0.1.1:1'), large(i));
      transport.flush();
    }
    const from = { address: `10.0.1.${random(4)}`, port: random(5) };
    transport.receive(hostileDatagram(), from);
    if (random(3) !== 0) continue;
    for (let datum = transport.inbox.shift(); datum !== undefined; datum = transport.inbox.shift()) {
      taken++;
      const { message } = datum.packet;
      if (!guard.is(message) || Buffer.compare(codec.encode(message), datum.bytes) !== 0) throw new Error('not valid');
    }
    if (transport.heldBytes > 200_000 || transport.unacknowledgedBytes > 300_000) throw new Error('holds too much');
  }

  // Every drop of a chunk but those for which these bounds are too wide (they have tests of their own).
  const chunkDrops = [
    'droppedChunkFinished',
    'droppedChunkDuplicate',
    'droppedChunkConflict',
    'droppedChunkTooLarge',
    'droppedChunkDigest',
  ];
  const ackDrops = ['droppedAckUnknown', 'droppedAckStale', 'droppedAckFalse'];
  const headerDrops = ['droppedSource', 'droppedTooShort', 'droppedMagic', 'droppedVersion', 'droppedCluster'];
  const bodyDrops = ['droppedKind', 'droppedChecksum', 'droppedMalformed', 'droppedTooMany'];
  const outcomes = [
    'bundlesReceived',
    'chunksReceived',
    'acksReceived',
    ...headerDrops,
    ...bodyDrops,
    ...chunkDrops,
    ...ackDrops,
  ];
  const rare = ['droppedChunkAhead', 'droppedChunkNoRoom'];
  expect(counters.datagramsReceived).toBe(datagramsCount);
  expect(total(counters, [...outcomes, ...rare])).toBe(datagramsCount);
  const fates = ['messagesReceived', 'droppedInvalidMessage', 'droppedInboxFull'];
  expect(total(counters, fates)).toBe(counters.messagesArrived);
  expect(taken + transport.pending).toBe(counters.messagesReceived);
  // What leaves is an ack for a chunk at most, and chunks of the transport's own messages, each a bounded number of times.
  expect(counters.datagramsSent).toBe(sent);
  expect(counters.bytesSent).toBe(sentBytes);
  expect(counters.acksSent + counters.chunksSent).toBe(sent);
  expect(counters.acksSent).toBeLessThanOrEqual(total(counters, ['chunksReceived', ...chunkDrops, ...rare]));
  expect(counters.chunksSent).toBeLessThan(counters.messagesChunked * 1_000);
  expect(total(counters, ['chunkedArrived', 'chunkedGivenUp', 'chunkedRefused', 'chunkedPushedOut'])).toBeGreaterThan(
    40,
  );
  // Not vacuous: every fate was met.
  for (const name of [...outcomes, ...fates, 'evictedPartialMessages']) {
    expect([name, (counters as Readonly<Record<string, number>>)[name]]).not.toEqual([name, 0]);
  }
});
