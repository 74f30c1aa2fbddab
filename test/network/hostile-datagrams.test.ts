/** Bad input: any datagram, of any bytes, from anyone. */
import { crc32 } from 'node:zlib';
import { expect, test } from 'vitest';
import { chunksOf } from '../../src/network/chunk.js';
import {
  bundledMessageHeaderBytes,
  clusterIdOf,
  frameHeaderBytes,
  writeBundle,
  writeChunk,
} from '../../src/network/frame.js';
import { codecOf } from '../../src/network/message-codec.js';
import { guardOf } from '../../src/network/schema.js';
import { SimulatedNetwork } from '../../src/network/simulated-network.js';
import { openTransport } from '../../src/network/transport.js';
import { endPoint } from '../../src/spec/endpoint.js';
import { E } from '../../src/spec/prelude.js';
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

const validDatagrams = (): readonly Buffer[] => {
  const encoded = messages.map(codec.encode);
  const bundle = (parts: readonly Uint8Array[]): Buffer => {
    const bodyBytes = parts.reduce((sum, part) => sum + part.length + bundledMessageHeaderBytes, 0);
    return writeBundle(parts, 0, parts.length, bodyBytes, cluster);
  };
  const long = codec.encode({ tag: 'request', request: { ...request, operation: new Uint8Array(700) } });
  const chunks = chunksOf(long, 77, 300).map((chunk) => writeChunk(chunk, cluster));
  const tooLong = chunksOf(new Uint8Array(60_000), 78, 1_200).slice(0, 1);
  const chunked = [...chunks, ...tooLong.map((chunk) => writeChunk(chunk, cluster))];
  return [bundle(encoded), bundle(encoded.slice(0, 1)), bundle(encoded.slice(2)), ...chunked];
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

test(`a million random and mutated datagrams (seed ${seed}) change nothing but counters and valid packets`, async () => {
  let sent = 0;
  const network = new SimulatedNetwork(() => sent++);
  let nowMs = 0;
  const opened = await openTransport({
    bind: endPoint('10.0.0.1:1'),
    clusterName: 'test',
    codec,
    datagramBytesMax: 1_200,
    inboxMessagesMax: 4,
    messageIdBase: 0,
    nowMs: () => nowMs,
    bundleMessagesMax: 3,
    reassembly: { messageBytesMax: 50_000, heldBytesMax: 200_000, ageMsMax: 50 },
    dgram: network.dgram,
  });
  if (E.isLeft(opened)) throw new Error(opened.left);
  const transport = opened.right;
  const { counters } = transport;
  let taken = 0;
  for (let i = 0; i < datagramsCount; i++) {
    nowMs = i / 100;
    const from = { address: `10.0.1.${random(4)}`, port: random(5) };
    transport.receive(hostileDatagram(), from);
    if (random(3) !== 0) continue;
    for (let datum = transport.inbox.shift(); datum !== undefined; datum = transport.inbox.shift()) {
      taken++;
      const { message } = datum.packet;
      if (!guard.is(message) || Buffer.compare(codec.encode(message), datum.bytes) !== 0) throw new Error('not valid');
    }
    if (transport.heldBytes > 200_000) throw new Error('holds too much');
  }

  const chunkDrops = ['droppedChunkDuplicate', 'droppedChunkConflict', 'droppedChunkTooLarge', 'droppedChunkDigest'];
  const headerDrops = ['droppedSource', 'droppedTooShort', 'droppedMagic', 'droppedVersion', 'droppedCluster'];
  const bodyDrops = ['droppedKind', 'droppedChecksum', 'droppedMalformed', 'droppedTooMany'];
  const outcomes = ['bundlesReceived', 'chunksReceived', ...headerDrops, ...bodyDrops, ...chunkDrops];
  expect(counters.datagramsReceived).toBe(datagramsCount);
  expect(total(counters, outcomes)).toBe(datagramsCount);
  const fates = ['messagesReceived', 'droppedInvalidMessage', 'droppedInboxFull'];
  expect(total(counters, fates)).toBe(counters.messagesArrived);
  expect(taken + transport.pending).toBe(counters.messagesReceived);
  expect(sent).toBe(0);
  expect(counters.datagramsSent).toBe(0);
  // Not vacuous: every fate was met.
  for (const name of [...outcomes, ...fates, 'evictedPartialMessages']) {
    expect([name, (counters as Readonly<Record<string, number>>)[name]]).not.toEqual([name, 0]);
  }
}, 60_000);
