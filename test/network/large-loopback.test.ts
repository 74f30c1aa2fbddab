/** A large message over real sockets, to a receiver that loses one datagram in ten. */
import * as dgram from 'node:dgram';
import { crc32 } from 'node:zlib';
import { afterEach, expect, test } from 'vitest';
import { openTransport, type Transport, type TransportOptions } from '../../src/network/transport.js';
import { Random } from '../../src/refinement/random.js';
import { E } from '../../src/spec/prelude.js';
import { type Blob, blobCodec, sendBlob } from './lossy-network.js';

const megabyte = 1_000_000;

const open: Transport<Blob>[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((transport) => transport.close()));
});

const opened = async (change: Partial<TransportOptions<Blob>>): Promise<Transport<Blob>> => {
  const transport = await openTransport<Blob>({
    bind: { address: '127.0.0.1' },
    clusterName: 'test',
    codec: blobCodec,
    datagramBytesMax: 1_200,
    inboxMessagesMax: 10,
    messageIdBase: 5,
    nowMs: () => performance.now(),
    ...change,
  });
  if (E.isLeft(transport)) throw new Error(transport.left);
  open.push(transport.right);
  return transport.right;
};

/** A dgram module whose sockets lose arriving datagrams. */
const losing = (loss: number): typeof dgram => {
  const random = new Random(7);
  const createSocket = (options: dgram.SocketOptions): dgram.Socket => {
    const socket = dgram.createSocket(options);
    const emit = socket.emit.bind(socket) as (event: string, ...rest: unknown[]) => boolean;
    const lossy = (event: string, ...rest: unknown[]): boolean =>
      event === 'message' && random.chance(loss) ? true : emit(event, ...rest);
    return Object.assign(socket, { emit: lossy });
  };
  return { ...dgram, createSocket: createSocket as typeof dgram.createSocket };
};

test('64 MB arrive over loopback UDP at a receiver that loses one datagram in ten', async () => {
  const from = await opened({});
  const to = await opened({ dgram: losing(0.1) });
  const message = new Uint8Array(64 * megabyte).map((_, i) => i * 31 + (i >> 12));
  const arrived = new Promise<void>((done) => to.onMessages(done));
  sendBlob(from, to.me, message);
  await arrived;
  const blob = to.inbox.shift()?.packet.message.bytes ?? new Uint8Array(0);
  expect([blob.length, crc32(blob)]).toEqual([message.length, crc32(message)]);
  expect(from.counters.chunksSentAgain).toBeGreaterThan(4_000);
  expect(to.heldBytes).toBe(0);
});

test('a message larger than the buffer of its receiver arrives there after the receiver was busy', async () => {
  const [from, to] = [await opened({ datagramBytesMax: 8_192 }), await opened({})];
  const arrived = new Promise<void>((done) => to.onMessages(done));
  sendBlob(from, to.me, new Uint8Array(8 * megabyte));
  // Nobody takes datagrams out of the socket meanwhile, nor sends any.
  const until = performance.now() + 200;
  while (performance.now() < until);
  await arrived;
  expect(to.inbox.shift()?.packet.message.bytes.length).toBe(8 * megabyte);
});
