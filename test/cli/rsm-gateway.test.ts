/** The gateway of the Redis protocol before real, judged replicas of IronRSM's key-value application, over TCP. */
import { afterEach, describe, expect, it } from 'vitest';
import type { ClusterConfig } from '../../src/cli/config.js';
import { type RespGateway, RespPort } from '../../src/cli/gateway/server.js';
import type { RespStore } from '../../src/cli/gateway/store.js';
import { rsmRespStore } from '../../src/cli/gateways.js';
import type { StepEvent } from '../../src/network/step-io.js';
import { E } from '../../src/spec/prelude.js';
import { decodeReply } from '../../systems/ironrsm/applications/kv.js';
import { parted, type RsmMessage, rsmCodec } from '../../systems/ironrsm/messages.js';
import { clusterName, LoopbackReplicas, type StartedReplica } from '../ironrsm/loopback-replicas.js';
import { command, RawClient } from './raw-client.js';

let cluster: LoopbackReplicas | undefined;
const gateways: RespGateway[] = [];
const clients: RawClient[] = [];

afterEach(async () => {
  for (const { socket } of clients.splice(0)) socket.destroy();
  for (const gateway of gateways.splice(0)) await gateway.close();
  const violations = cluster?.violations ?? [];
  await cluster?.stop();
  cluster = undefined;
  expect(violations).toEqual([]);
});

/** Opens a gateway before a replica; `change` may change what stands behind it. */
const openGateway = async (
  { configuration }: LoopbackReplicas,
  { host, node }: StartedReplica,
  change: (store: RespStore) => RespStore = (store) => store,
  timeoutMs = 60_000,
): Promise<number> => {
  const config: ClusterConfig = {
    cluster: clusterName,
    system: 'ironrsm',
    application: 'kv',
    nodes: configuration.replicas.map((address, i) => ({ id: `r${i}`, address })),
    parameters: {},
    network: { datagramBytesMax: 8192, inboxMessagesMax: 4096 },
  };
  const store = await rsmRespStore({
    ...{ config, constants: configuration, host, me: node.me, timeoutMs },
    openDoor: (client, listener) => node.openDoor(client, listener),
  });
  if (E.isLeft(store)) throw new Error(store.left);
  const port = await RespPort.take({ host: '127.0.0.1', port: 0 });
  if (E.isLeft(port)) throw new Error(port.left);
  gateways.push(port.right.serve(change(store.right)));
  return port.right.port;
};

/** Replicas with a gateway before each. */
const start = async (replicas: number, parameters: Readonly<Record<string, number>> = {}) => {
  const started = await LoopbackReplicas.start(replicas, parameters);
  cluster = started;
  const ports: number[] = [];
  for (const replica of started.started) ports.push(await openGateway(started, replica));
  return { cluster: started, ports };
};

const client = (port: number): RawClient => {
  const raw = new RawClient(port);
  clients.push(raw);
  return raw;
};

const received = (events: readonly StepEvent[]): readonly RsmMessage[] =>
  events.flatMap((event) => {
    const message = event.tag === 'receive' ? rsmCodec.decode(event.bytes) : E.left('sent');
    return E.isRight(message) ? [message.right] : [];
  });

describe('the gateway before IronRSM', () => {
  it('answers each command as Redis does, at every replica', async () => {
    const { ports } = await start(3);
    for (const [i, port] of ports.entries()) {
      const raw = client(port);
      const [k, a, b] = [`k${i}`, `a${i}`, `b${i}`];
      await raw.says(command('SET', k, 'v'), '+OK\r\n');
      await raw.says(command('GET', k), '$1\r\nv\r\n');
      await raw.says(command('GET', 'none'), '$-1\r\n');
      await raw.says(command('SET', k, 'w', 'NX'), '$-1\r\n');
      await raw.says(command('SET', 'none', 'w', 'XX'), '$-1\r\n');
      await raw.says(command('SET', k, 'w', 'XX'), '+OK\r\n');
      await raw.says(command('SETNX', k, 'w'), ':0\r\n');
      await raw.says(command('APPEND', k, 'xyz'), ':4\r\n');
      await raw.says(command('STRLEN', k), ':4\r\n');
      await raw.says(command('STRLEN', 'none'), ':0\r\n');
      await raw.says(command('EXISTS', k, k, 'none'), ':2\r\n');
      await raw.says(command('EXISTS', 'none'), ':0\r\n');
      await raw.says(command('MSET', a, '1', b, '2'), '+OK\r\n');
      await raw.says(command('MGET', a, 'none', b), '*3\r\n$1\r\n1\r\n$-1\r\n$1\r\n2\r\n');
      await raw.says(command('INCR', a), ':2\r\n');
      await raw.says(command('DECR', b), ':1\r\n');
      await raw.says(command('INCR', k), '-ERR value is not an integer or out of range\r\n');
      await raw.says(command('GETSET', a, 'x'), '$1\r\n2\r\n');
      await raw.says(command('GETSET', 'new', 'x'), '$-1\r\n');
      await raw.says(command('DEL', a, b, 'none', 'new'), ':3\r\n');
      await raw.says(command('DBSIZE'), `:${i + 1}\r\n`);
    }
  });

  it('puts commands into the replicas as packets of ordered sessions, those of one moment in one request', async () => {
    const { cluster: replicas, ports } = await start(1);
    const raw = client(ports[0] ?? 0);
    await raw.says(command('INCR', 'n').repeat(10), Array.from({ length: 10 }, (_, i) => `:${i + 1}\r\n`).join(''));
    const { host, node } = replicas.leader();
    const messages = node.journal.window().flatMap(({ events }) => received(events));
    const requests = messages.filter((m) => m.tag === 'request');
    expect(new Set(requests.map(({ session, seqno }) => `${session}.${seqno}`)).size).toBe(1);
    expect(parted(requests[0]?.value ?? new Uint8Array())).toHaveLength(10);
    expect([...host.executor.sessions.values()]).toMatchObject([{ ordered: true, high: 1 }]);
    const reply = [...host.executor.done.values()][0]?.reply ?? new Uint8Array();
    expect(decodeReply(parted(reply)[9] ?? new Uint8Array())).toEqual(E.right({ tag: 'number', number: 10 }));
  });

  it('keeps the order of pipelines, and executes each command once, while packets enter at all replicas', async () => {
    const { ports } = await start(3);
    const rounds = 40;
    await Promise.all(
      ports.map(async (port, i) => {
        const raw = client(port);
        for (let round = 1; round <= rounds; round++) {
          raw.socket.write(command('INCR', `own${i}`) + command('GET', `own${i}`) + command('INCR', 'shared'));
          expect(await raw.line()).toBe(`:${round}`);
          expect(await raw.line()).toBe(`$${String(round).length}`);
          expect(await raw.line()).toBe(String(round));
          expect(await raw.line()).toMatch(/^:\d+$/);
        }
      }),
    );
    await client(ports[0] ?? 0).says(command('GET', 'shared'), `$3\r\n${rounds * ports.length}\r\n`);
  });

  it('shows MSET whole, and swaps by GETSET what nobody else got', async () => {
    const { ports } = await start(3);
    const [one = 0, two = 0, three = 0] = ports;
    let writing = true;
    let reads = 0;
    const writer = (async () => {
      const raw = client(one);
      for (let n = 0; n < 100 || reads <= 5; n++) {
        await raw.says(command('MSET', 'x', String(n), 'y', String(n)), '+OK\r\n');
      }
      writing = false;
    })();
    const reader = client(two);
    while (writing) {
      reader.socket.write(command('MGET', 'x', 'y'));
      await reader.line();
      const values: string[] = [];
      for (const _ of 'xy') values.push((await reader.line()) === '$-1' ? 'none' : await reader.line());
      expect(values[0]).toBe(values[1]);
      reads++;
    }
    await writer;
    expect(reads).toBeGreaterThan(5);
    const got: string[] = [];
    await Promise.all(
      [two, three].map(async (port, i) => {
        const raw = client(port);
        raw.socket.write(Array.from({ length: 30 }, (_, n) => command('GETSET', 'swapped', `${i}.${n}`)).join(''));
        for (let n = 0; n < 30; n++) if ((await raw.line()) !== '$-1') got.push(await raw.line());
      }),
    );
    expect(got).toHaveLength(59);
    expect(new Set(got).size).toBe(59);
  });

  it('gives the sessions of closed connections to others', async () => {
    const { cluster: replicas, ports } = await start(1);
    const opened: number[] = [];
    for (let n = 0; n < 10; n++) {
      const raw = client(ports[0] ?? 0);
      await raw.says(command('INCR', 'n'), `:${n + 1}\r\n`);
      raw.socket.end();
      await raw.rest();
      opened.push(replicas.leader().host.executor.sessions.size);
    }
    // Where the first answer is slow the gateway asks for the first session twice, and two are opened.
    expect(opened[0]).toBeGreaterThan(0);
    expect(new Set(opened).size).toBe(1);
  });

  it('refuses by name what is too long, and stores nothing of it', async () => {
    const { ports } = await start(1, { requestBytesMax: 2000 });
    const raw = client(ports[0] ?? 0);
    const long = 'k'.repeat(4097);
    await raw.says(command('SET', long, ''), '-ERR KEY_TOO_LONG: the key is longer than the limit of 4096 bytes\r\n');
    await raw.says(
      command('MSET', 'a', '1', long, ''),
      '-ERR KEY_TOO_LONG: the key is longer than the limit of 4096 bytes\r\n',
    );
    await raw.says(
      command('GETSET', long, ''),
      '-ERR KEY_TOO_LONG: the key is longer than the limit of 4096 bytes\r\n',
    );
    await raw.says(
      command('SET', 'a', 'x'.repeat(2001)),
      '-ERR VALUE_TOO_LARGE: the value is longer than the limit of 2000 bytes\r\n',
    );
    raw.socket.write(command('MSET', 'a', 'x'.repeat(1000), 'b', 'y'.repeat(1000)) + command('PING'));
    expect(await raw.line()).toMatch(
      /^-ERR REQUEST_TOO_LARGE: the request has 20\d\d bytes, more than the cluster takes/,
    );
    expect(await raw.line()).toBe('+PONG');
    await raw.says(command('DBSIZE'), ':0\r\n');
    await raw.says(command('SET', 'a', 'x'.repeat(1900)), '+OK\r\n');
  });

  it('answers reads of what the same pipeline made large, a few at a time', async () => {
    const { ports } = await start(1);
    const raw = client(ports[0] ?? 0);
    const value = 'x'.repeat(1 << 20);
    // When the reads come nobody knows yet how large they are.
    raw.socket.write(command('SET', 'k', value) + command('GET', 'k').repeat(40) + command('PING'));
    expect(await raw.line()).toBe('+OK');
    for (let n = 0; n < 40; n++) {
      expect(await raw.line()).toBe(`$${value.length}`);
      await raw.read(value.length + 2);
    }
    expect(await raw.line()).toBe('+PONG');
  });

  it('reads no more for a client that does not read than it has room for, at every replica', async () => {
    const { cluster: replicas } = await start(3);
    const value = 'x'.repeat(1 << 20);
    for (const [i, replica] of replicas.started.entries()) {
      let told = 0;
      let sizeOf = (_key: Uint8Array): number | undefined => undefined;
      const port = await openGateway(replicas, replica, (store) => ({
        ...store,
        session: () => {
          sizeOf = store.sizeOf;
          const session = store.session();
          return {
            ...session,
            request: (asked, settled) =>
              session.request(asked, (ended) => {
                if (ended.tag === 'outcome' && ended.outcome.tag === 'value') told += ended.outcome.value?.length ?? 0;
                settled(ended);
              }),
          };
        },
      }));
      await client(port).says(command('SET', `k${i}`, value), '+OK\r\n');
      const raw = client(port);
      await raw.says(command('PING'), '+PONG\r\n');
      await expect.poll(() => sizeOf(Buffer.from(`k${i}`)), { timeout: 30_000 }).toBe(value.length);
      raw.socket.pause();
      raw.socket.write(command('GET', `k${i}`).repeat(60));
      await expect.poll(() => told, { timeout: 30_000 }).toBeGreaterThan(0);
      for (let before = -1; before !== told; ) {
        before = told;
        await new Promise((resolve) => setTimeout(resolve, 500));
      }
      expect(told).toBeGreaterThan(0);
      // The system's own buffers take some megabytes.
      expect(told).toBeLessThan(20 * value.length);
    }
  });

  it('goes on where the replies to a pipeline are more than a message holds', async () => {
    const { cluster: replicas } = await start(1);
    // A replica that is behind does not know how large values have become.
    const port = await openGateway(replicas, replicas.started[0] as StartedReplica, (store) => ({
      ...store,
      sizeOf: () => 0,
    }));
    const raw = client(port);
    const value = 'x'.repeat(1 << 20);
    await raw.says(command('SET', 'k', value), '+OK\r\n');
    raw.socket.write(command('GET', 'k').repeat(40) + command('PING'));
    let refused = 0;
    for (let n = 0; n < 40; n++) {
      const line = await raw.line();
      if (line === `$${value.length}`) await raw.read(value.length + 2);
      else {
        expect(line).toMatch(/^-ERR REPLY_TOO_LARGE: .* none of them was executed$/);
        refused++;
      }
    }
    expect(await raw.line()).toBe('+PONG');
    expect(refused).toBeGreaterThan(0);
    await raw.says(command('APPEND', 'k', 'x'), '-ERR VALUE_TOO_LARGE: string exceeds maximum allowed size\r\n');
    const nine = command('MGET', ...Array.from({ length: 9 }, () => 'k'));
    await raw.says(nine, '-ERR the reply would be larger than the store allows\r\n');
    raw.socket.write(command('MGET', 'k', 'k'));
    expect(await raw.line()).toBe('*2');
  });

  it('tells the client of a session that the replicas expired that the outcome is unknown, and opens another', async () => {
    // More than one, since a gateway that is answered slowly asks twice, and opens two; the one that it uses must not end the other.
    const sessionsMax = 8;
    const { ports } = await start(1, { sessionsMax });
    const first = client(ports[0] ?? 0);
    await first.says(command('INCR', 'n'), ':1\r\n');
    for (let n = 0; n < sessionsMax; n++) await client(ports[0] ?? 0).says(command('INCR', 'n'), `:${n + 2}\r\n`);
    first.socket.write(command('INCR', 'n'));
    expect(await first.line()).toMatch(/^-ERR SESSION_EXPIRED: .* unknown$/);
    await first.says(command('INCR', 'n'), `:${sessionsMax + 2}\r\n`);
  });

  it('answers a command with an error where the replicas do not answer in time', async () => {
    const { cluster: replicas } = await start(2);
    const [alive, dead] = replicas.started as [StartedReplica, StartedReplica];
    const port = await openGateway(replicas, alive, undefined, 1500);
    const raw = client(port);
    await raw.says(command('SET', 'k', '1'), '+OK\r\n');
    await dead.node.close();
    raw.socket.write(command('INCR', 'k') + command('ECHO', 'still here'));
    expect(await raw.line()).toMatch(/^-ERR no answer within 1500 ms; .* unknown$/);
    await raw.says('', '$10\r\nstill here\r\n');
  });

  it('needs the application kv', async () => {
    const { cluster: replicas } = await start(1);
    const { configuration } = replicas;
    const counting = { ...configuration, app: { ...configuration.app, name: 'counter' } };
    const { host, node } = replicas.started[0] as StartedReplica;
    const config = {} as ClusterConfig;
    const openDoor = node.openDoor.bind(node);
    const store = await rsmRespStore({ config, constants: counting, host, me: node.me, openDoor, timeoutMs: 1000 });
    expect(store).toEqual(E.left('the application counter has no gateway: --resp is for the application kv'));
  });
});
