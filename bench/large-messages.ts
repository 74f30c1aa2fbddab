/** How fast one large message crosses the loopback interface, by size of datagram, without loss and with one datagram in ten lost. */
import * as dgram from 'node:dgram';
import { codecOf } from '../src/network/message-codec.js';
import { schema } from '../src/network/schema.js';
import { openTransport, type Transport } from '../src/network/transport.js';
import { E } from '../src/spec/prelude.js';

const megabytes = Number(process.argv[2] ?? 100);
const bytes = megabytes * 1_000_000;

const messageSchema = schema((S) =>
  S.sum('tag')({ state: S.struct({ tag: S.literal('state'), bytes: S.bytes(2 ** 30) }) }),
);
const codec = codecOf(messageSchema);
type Message = { readonly tag: 'state'; readonly bytes: Uint8Array };

/** A dgram module whose sockets lose arriving datagrams. */
const losing = (loss: number): typeof dgram => ({
  ...dgram,
  createSocket: ((options: dgram.SocketOptions) => {
    const socket = dgram.createSocket(options);
    const emit = socket.emit.bind(socket) as (event: string, ...rest: unknown[]) => boolean;
    const lossy = (event: string, ...rest: unknown[]): boolean =>
      event === 'message' && Math.random() < loss ? true : emit(event, ...rest);
    return Object.assign(socket, { emit: lossy });
  }) as typeof dgram.createSocket,
});

const open = async (datagramBytesMax: number, loss: number): Promise<Transport<Message>> => {
  const opened = await openTransport<Message>({
    bind: { address: '127.0.0.1' },
    clusterName: 'bench',
    codec,
    datagramBytesMax,
    inboxMessagesMax: 100,
    messageIdBase: Date.now() * 16,
    nowMs: () => performance.now(),
    dgram: losing(loss),
  });
  if (E.isLeft(opened)) throw new Error(opened.left);
  return opened.right;
};

const encoded = codec.encode({ tag: 'state', bytes: new Uint8Array(bytes).map((_, i) => i * 7) });

for (const datagramBytesMax of [1_200, 8_192, 65_507]) {
  for (const loss of [0, 0.1]) {
    const [a, b] = [await open(datagramBytesMax, loss), await open(datagramBytesMax, loss)];
    const cpu = process.cpuUsage();
    const start = performance.now();
    const arrived = new Promise<void>((done) => b.onMessages(done));
    a.send(b.me, encoded);
    a.flush();
    await arrived;
    const seconds = (performance.now() - start) / 1000;
    const { user, system } = process.cpuUsage(cpu);
    const { chunksSent, chunksSentAgain } = a.counters;
    console.log(
      `${megabytes} MB, datagrams of ${datagramBytesMax}, ${loss * 100} % lost each way: ${seconds.toFixed(2)} s, ` +
        `${(megabytes / seconds).toFixed(0)} MB/s, ${chunksSent} chunks, ${chunksSentAgain} of them again, ` +
        `${b.counters.acksSent} acks, ${((user + system) / 1e6).toFixed(2)} s of processor time`,
    );
    await Promise.all([a.close(), b.close()]);
  }
}
