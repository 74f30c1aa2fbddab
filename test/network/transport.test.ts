import { createSocket } from 'node:dgram';
import { afterEach, describe, expect, test } from 'vitest';
import { codecOf } from '../../src/network/message-codec.js';
import { type SimulatedDatagram, SimulatedNetwork } from '../../src/network/simulated-network.js';
import { openTransport, type Transport, type TransportOptions } from '../../src/network/transport.js';
import { type EndPoint, endPoint, portOf } from '../../src/spec/endpoint.js';
import { E } from '../../src/spec/prelude.js';
import { type SampleMessage, sampleSchema } from './sample-messages.js';

const codec = codecOf(sampleSchema);
const ping = (epoch: number): SampleMessage => ({ tag: 'ping', epoch });
const big = (length: number): SampleMessage => ({
  tag: 'request',
  request: { client: endPoint('10.0.0.1:5'), seqno: 7, operation: new Uint8Array(length).map((_, i) => i * 7) },
});

const open: Transport<SampleMessage>[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((transport) => transport.close()));
});

const tryOpen = (change: Partial<TransportOptions<SampleMessage>> = {}) =>
  openTransport({
    bind: { address: '127.0.0.1' },
    clusterName: 'test',
    codec,
    datagramBytesMax: 1_200,
    inboxMessagesMax: 10_000,
    messageIdBase: 5,
    nowMs: () => 0,
    ...change,
  });

const opened = async (change: Partial<TransportOptions<SampleMessage>> = {}): Promise<Transport<SampleMessage>> => {
  const transport = await tryOpen(change);
  if (E.isLeft(transport)) throw new Error(transport.left);
  open.push(transport.right);
  return transport.right;
};

/** Waits until `count` packets are in the inbox, then takes them; fails by the test's own time limit. */
const arrivals = async (transport: Transport<SampleMessage>, count: number) => {
  await new Promise<void>((done) => {
    const look = (): void => {
      if (transport.pending >= count) done();
    };
    transport.onMessages(look);
    look();
  });
  return Array.from({ length: transport.pending }, () => transport.inbox.shift());
};

const send = (from: Transport<SampleMessage>, target: EndPoint, messages: readonly SampleMessage[]): void => {
  for (const message of messages) from.send(target, codec.encode(message));
  from.flush();
};

describe('the transport over loopback UDP', () => {
  test('carries messages with their bytes, naming their sender', async () => {
    const [a, b] = [await opened(), await opened()];
    send(a, b.me, [ping(1), ping(2)]);
    expect(await arrivals(b, 2)).toEqual(
      [1, 2].map((epoch) => ({
        packet: { source: a.me, target: b.me, message: ping(epoch) },
        bytes: codec.encode(ping(epoch)),
      })),
    );
    send(b, a.me, [ping(3)]);
    expect((await arrivals(a, 1))[0]?.packet).toEqual({ source: b.me, target: a.me, message: ping(3) });
  });

  test('bundles what one flush sends to one destination', async () => {
    const [a, b, c] = [await opened(), await opened(), await opened()];
    const pings = Array.from({ length: 50 }, (_, i) => ping(i));
    for (const message of pings) {
      a.send(b.me, codec.encode(message));
      a.send(c.me, codec.encode(message));
    }
    expect(a.counters.datagramsSent).toBe(0);
    a.flush();
    for (const receiver of [b, c]) {
      expect((await arrivals(receiver, 50)).map((datum) => datum?.packet.message)).toEqual(pings);
      expect(receiver.counters.datagramsReceived).toBe(1);
    }
    expect(a.counters).toMatchObject({ messagesSent: 100, datagramsSent: 2, sendFailures: 0 });
  });

  test('splits a bundle that outgrows a datagram, and keeps within its limit', async () => {
    const b = await opened();
    const sizes: number[] = [];
    const network = new SimulatedNetwork(({ bytes }) => sizes.push(bytes.length));
    const a = await opened({ dgram: network.dgram, bundleMessagesMax: 30 });
    send(
      a,
      b.me,
      Array.from({ length: 9 }, () => big(300)),
    );
    expect(sizes.length).toBe(3);
    sizes.length = 0;
    send(
      a,
      b.me,
      Array.from({ length: 100 }, (_, i) => ping(i)),
    );
    expect(sizes.length).toBe(4);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(1_200);
  });

  test('chunks an oversized message, and a small one after it arrives intact', async () => {
    const [a, b] = [await opened(), await opened()];
    const messages = [ping(1), big(150_000), ping(2), big(1_300), ping(3)];
    send(a, b.me, messages);
    const came = (await arrivals(b, 5)).map((datum) => datum?.packet.message);
    const bySize = (m: SampleMessage | undefined): number =>
      m?.tag === 'request' ? m.request.operation.length : m?.tag === 'ping' ? m.epoch : -1;
    expect(came.toSorted((x, y) => bySize(x) - bySize(y))).toEqual([
      ping(1),
      ping(2),
      ping(3),
      big(1_300),
      big(150_000),
    ]);
    expect(a.counters.messagesChunked).toBe(2);
    expect(b.heldBytes).toBe(0);
  });

  test('refuses a port in use with one sentence that names it', async () => {
    const a = await opened();
    const second = await tryOpen({ bind: a.me });
    expect(second).toEqual(E.left(`${a.me} is in use: stop the other program there, or choose another port`));
    await a.close();
    expect((await opened({ bind: a.me })).me).toBe(a.me);
  });

  test('refuses an address that is not of this machine', async () => {
    const foreign = endPoint('192.0.2.1:7001');
    expect(await tryOpen({ bind: foreign })).toEqual(E.left(`${foreign} is not an address of this machine`));
  });

  test('refuses limits that make no sense, and leaves the port free', async () => {
    const a = await opened();
    await a.close();
    await expect(tryOpen({ bind: a.me, datagramBytesMax: 70_000 })).rejects.toThrow(/256 to 65507 bytes/);
    const pacing = { unacknowledgedBytesMax: 1_000 };
    await expect(tryOpen({ bind: a.me, pacing })).rejects.toThrow(/does not fit the limits/);
    await opened({ bind: a.me });
  });

  test('is not disturbed by sends to a closed port', async () => {
    const [a, b, gone] = [await opened(), await opened(), await opened()];
    await gone.close();
    for (let i = 0; i < 20; i++) send(a, gone.me, [ping(i)]);
    send(a, b.me, [ping(99)]);
    expect((await arrivals(b, 1))[0]?.packet.message).toEqual(ping(99));
    expect(a.counters).toMatchObject({ sendFailures: 0, socketErrors: 0 });
  });

  test('counts sends that the system refuses, and goes on', async () => {
    const [a, b] = [await opened(), await opened()];
    send(a, endPoint('255.255.255.255:9'), [ping(1)]);
    send(a, b.me, [ping(2)]);
    expect((await arrivals(b, 1))[0]?.packet.message).toEqual(ping(2));
    expect(a.counters.sendFailures).toBe(1);
  });

  test('counts and does not send a message beyond the limit', async () => {
    const [a, b] = [await opened({ reassembly: { messageBytesMax: 10_000 } }), await opened()];
    send(a, b.me, [big(10_001), ping(1)]);
    expect((await arrivals(b, 1))[0]?.packet.message).toEqual(ping(1));
    expect(a.counters).toMatchObject({ sendsTooLarge: 1, messagesSent: 1 });
  });

  test('drops what is not of its cluster, counts it, and answers nothing', async () => {
    const [a, b, stranger] = [await opened(), await opened(), await opened({ clusterName: 'other' })];
    const plain = createSocket('udp4');
    const answers: string[] = [];
    plain.on('message', (bytes) => answers.push(bytes.toString()));
    for (const text of ['', 'x', 'GET / HTTP/1.1\r\n\r\n', 'IK'.repeat(40)])
      await new Promise((sent) => plain.send(text, portOf(b.me), '127.0.0.1', sent));
    send(stranger, b.me, [ping(1)]);
    send(a, b.me, [ping(2)]);
    expect((await arrivals(b, 1)).map((datum) => datum?.packet.message)).toEqual([ping(2)]);
    expect(b.counters).toMatchObject({ droppedTooShort: 2, droppedMagic: 1, droppedVersion: 1, droppedCluster: 1 });
    expect(b.counters).toMatchObject({ datagramsReceived: 6, datagramsSent: 0, messagesReceived: 1 });
    // An answer would be in the socket before this.
    plain.send('the last', plain.address().port, '127.0.0.1');
    await expect.poll(() => answers, { timeout: 30_000 }).toContain('the last');
    expect(answers).toEqual(['the last']);
    plain.close();
  });

  test('drops the one message of a bundle that does not decode, and keeps the others', async () => {
    const [a, b] = [await opened(), await opened()];
    a.send(b.me, codec.encode(ping(1)));
    a.send(b.me, Uint8Array.of(0x92, 0x00, 0xff));
    a.send(b.me, codec.encode(ping(2)));
    a.flush();
    expect((await arrivals(b, 2)).map((datum) => datum?.packet.message)).toEqual([ping(1), ping(2)]);
    expect(b.counters).toMatchObject({ messagesArrived: 3, droppedInvalidMessage: 1, messagesReceived: 2 });
  });

  test('drops and counts the messages that do not fit in the inbox', async () => {
    const [a, b] = [await opened(), await opened({ inboxMessagesMax: 3 })];
    send(a, b.me, [1, 2, 3, 4, 5].map(ping));
    expect((await arrivals(b, 3)).map((datum) => datum?.packet.message)).toEqual([1, 2, 3].map(ping));
    expect(b.counters).toMatchObject({ droppedInboxFull: 2, messagesReceived: 3 });
  });

  test('may be closed twice, and sends nothing afterwards', async () => {
    const [a, b] = [await opened(), await opened()];
    await Promise.all([a.close(), a.close()]);
    await a.close();
    send(a, b.me, [ping(1)]);
    expect(a.counters.sendFailures).toBe(1);
  });
});

describe('the transport over the simulated network', () => {
  const simulated = () => {
    const onTheWay: SimulatedDatagram[] = [];
    const network = new SimulatedNetwork((datagram) => onTheWay.push(datagram));
    return { network, onTheWay };
  };

  test('carries the same messages, when and as often as the simulator delivers them', async () => {
    const { network, onTheWay } = simulated();
    const a = await opened({ dgram: network.dgram, bind: endPoint('10.0.0.1:1') });
    const b = await opened({ dgram: network.dgram, bind: endPoint('10.0.0.2:1') });
    send(a, b.me, [ping(1), ping(2)]);
    send(a, b.me, [big(5_000)]);
    expect(b.pending).toBe(0);
    expect(onTheWay.every((d) => d.source === a.me && d.target === b.me)).toBe(true);
    for (const datagram of onTheWay.toReversed()) expect(network.deliver(datagram)).toBe(true);
    expect((await arrivals(b, 3)).map((d) => d?.packet)).toEqual(
      [big(5_000), ping(1), ping(2)].map((message) => ({ source: a.me, target: b.me, message })),
    );
    network.deliver(onTheWay[0] as SimulatedDatagram);
    expect(b.pending).toBe(2);
  });

  test('refuses an end point that is taken, frees it on close, and delivers nothing there then', async () => {
    const { network, onTheWay } = simulated();
    const bind = endPoint('10.0.0.1:1');
    const a = await opened({ dgram: network.dgram, bind });
    expect(await tryOpen({ dgram: network.dgram, bind })).toEqual(
      E.left(`${bind} is in use: stop the other program there, or choose another port`),
    );
    send(a, a.me, [ping(1)]);
    await a.close();
    expect(network.deliver(onTheWay[0] as SimulatedDatagram)).toBe(false);
    expect(a.pending).toBe(0);
    await opened({ dgram: network.dgram, bind });
  });

  test('gives every socket a port of its own where any will do', async () => {
    const { network } = simulated();
    const taken = await opened({ dgram: network.dgram, bind: endPoint('127.0.0.1:49153') });
    const made = [await opened({ dgram: network.dgram }), await opened({ dgram: network.dgram })];
    expect(new Set([taken, ...made].map((transport) => transport.me)).size).toBe(3);
  });

  test('sends the same datagrams in every run', async () => {
    const run = async (): Promise<string[]> => {
      const { network, onTheWay } = simulated();
      const a = await opened({ dgram: network.dgram, bind: endPoint('10.0.0.1:1') });
      send(a, endPoint('10.0.0.2:1'), [ping(1), big(5_000), ping(2)]);
      return onTheWay.map(({ bytes }) => Buffer.from(bytes).toString('hex'));
    };
    expect(await run()).toEqual(await run());
  });
});
