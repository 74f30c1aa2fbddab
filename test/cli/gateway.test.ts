/** The gateway of the Redis protocol before real, judged hosts of IronKV, over TCP. */
import { afterEach, describe, expect, it } from 'vitest';
import { type ConnectionLimits, connectionLimits, RespConnection } from '../../src/cli/gateway/connection.js';
import { RespGateway } from '../../src/cli/gateway/server.js';
import type { RespStore, StoreSettlement } from '../../src/cli/gateway/store.js';
import { E } from '../../src/spec/prelude.js';
import { textOfKey } from '../../systems/ironkv/commands.js';
import { KvGateway } from '../../systems/ironkv/gateway.js';
import { LoopbackCluster } from '../ironkv/loopback-cluster.js';
import { command, RawClient } from './raw-client.js';

const openGateway = async (cluster: LoopbackCluster, index: number, limits: ConnectionLimits): Promise<RespGateway> => {
  const { host, node } = cluster.started[index] as (typeof cluster.started)[number];
  const opened = await KvGateway.open({
    cluster: cluster.options,
    configuration: cluster.configuration,
    me: node.me,
    openDoor: (client, listener) => node.openDoor(client, listener),
  });
  if (E.isLeft(opened)) throw new Error(opened.left);
  const kv = opened.right;
  const { keyBytesMax, valueBytesMax } = cluster.configuration.parameters;
  const store: RespStore = {
    ...{ keyBytesMax, valueBytesMax },
    session: () => ({ ...kv.session(), countKeys: () => kv.countKeys(1000) }),
    sizeOf: (key) => host.table.get(textOfKey(key))?.length ?? 0,
    close: () => kv.close(),
  };
  const gateway = await RespGateway.listen(store, { host: '127.0.0.1', port: 0 }, limits);
  if (E.isLeft(gateway)) throw new Error(gateway.left);
  return gateway.right;
};

let cluster: LoopbackCluster | undefined;
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

const start = async (
  hosts = 1,
  parameters: Readonly<Record<string, number>> = {},
  limits: ConnectionLimits = connectionLimits,
): Promise<{ readonly cluster: LoopbackCluster; readonly port: number }> => {
  cluster = await LoopbackCluster.start(hosts, parameters);
  const gateway = await openGateway(cluster, 0, limits);
  gateways.push(gateway);
  return { cluster, port: gateway.port };
};

const client = (port: number): RawClient => {
  const raw = new RawClient(port);
  clients.push(raw);
  return raw;
};

describe('the gateway', () => {
  it('answers each command as Redis does', async () => {
    const raw = client((await start()).port);
    await raw.says(command('SET', 'k', 'v'), '+OK\r\n');
    await raw.says(command('get', 'k'), '$1\r\nv\r\n');
    await raw.says(command('GET', 'none'), '$-1\r\n');
    await raw.says(command('SET', 'k', 'w', 'NX'), '$-1\r\n');
    await raw.says(command('SET', 'k2', 'w', 'xx'), '$-1\r\n');
    await raw.says(command('SET', 'k', 'w', 'XX'), '+OK\r\n');
    await raw.says(command('SETNX', 'k', 'w'), ':0\r\n');
    await raw.says(command('SETNX', 'k3', 'w'), ':1\r\n');
    await raw.says(command('APPEND', 'k', 'xyz'), ':4\r\n');
    await raw.says(command('STRLEN', 'k'), ':4\r\n');
    await raw.says(command('STRLEN', 'none'), ':0\r\n');
    await raw.says(command('EXISTS', 'k', 'k', 'none'), ':2\r\n');
    await raw.says(command('MSET', 'a', '1', 'b', '2'), '+OK\r\n');
    await raw.says(command('MGET', 'a', 'none', 'b'), '*3\r\n$1\r\n1\r\n$-1\r\n$1\r\n2\r\n');
    await raw.says(command('INCR', 'a'), ':2\r\n');
    await raw.says(command('DECR', 'fresh'), ':-1\r\n');
    await raw.says(command('GETSET', 'a', 'x'), '$1\r\n2\r\n');
    await raw.says(command('GETSET', 'new', 'x'), '$-1\r\n');
    await raw.says(command('DEL', 'a', 'b', 'none'), ':2\r\n');
    await raw.says(command('DBSIZE'), ':4\r\n');
    await raw.says('PING\r\n', '+PONG\r\n');
    await raw.says(command('PING', 'hi'), '$2\r\nhi\r\n');
    await raw.says(command('ECHO', ''), '$0\r\n\r\n');
    await raw.says(command('SELECT', '0'), '+OK\r\n');
    await raw.says(command('CLIENT', 'SETNAME', 'me'), '+OK\r\n');
    await raw.says(command('CLIENT', 'GETNAME'), '$2\r\nme\r\n');
    await raw.says(command('CONFIG', 'GET', 'save'), '*2\r\n$4\r\nsave\r\n$0\r\n\r\n');
    await raw.says(command('COMMAND', 'COUNT'), ':22\r\n');
    raw.socket.write(command('QUIT') + command('PING'));
    expect(await raw.rest()).toBe('+OK\r\n');
  });

  it("refuses the rest in Redis' own form", async () => {
    const raw = client((await start(1, { keyBytesMax: 8, valueBytesMax: 40 })).port);
    await raw.says(
      command('FLUSHALL', 'x\r\ny'),
      "-ERR unknown command 'FLUSHALL', with args beginning with: 'x  y' \r\n",
    );
    await raw.says(command('GET'), "-ERR wrong number of arguments for 'get' command\r\n");
    await raw.says(command('GET', 'a', 'b'), "-ERR wrong number of arguments for 'get' command\r\n");
    await raw.says(command('MSET', 'a', '1', 'b'), "-ERR wrong number of arguments for 'mset' command\r\n");
    await raw.says(command('SET', 'a', '1', 'NX', 'XX'), '-ERR syntax error\r\n');
    await raw.says(command('SET', 'a', '1', 'EX', '5'), '-ERR syntax error\r\n');
    await raw.says(command('SET', 'a', 'text'), '+OK\r\n');
    await raw.says(command('INCR', 'a'), '-ERR value is not an integer or out of range\r\n');
    await raw.says(command('SET', 'n', '9007199254740991'), '+OK\r\n');
    await raw.says(command('INCR', 'n'), '-ERR increment or decrement would overflow\r\n');
    await raw.says(command('SELECT', '1'), '-ERR DB index is out of range\r\n');
    await raw.says(command('SELECT', 'x'), '-ERR value is not an integer or out of range\r\n');
    await raw.says(command('HELLO', '4'), '-NOPROTO unsupported protocol version\r\n');
    await raw.says(command('SET', '123456789', ''), '-ERR the key is longer than the limit of 8 bytes\r\n');
    await raw.says(command('SET', 'a', 'x'.repeat(41)), '-ERR the value is longer than the limit of 40 bytes\r\n');
    await raw.says(command('APPEND', 'a', 'x'.repeat(37)), '-ERR string exceeds maximum allowed size\r\n');
    await raw.says(command('GET', 'a'), '$4\r\ntext\r\n');
    raw.socket.write('*1\r\n:1\r\nPING\r\n');
    expect(await raw.rest()).toBe("-ERR Protocol error: expected '$', got ':'\r\n");
  });

  it('speaks RESP3 after HELLO 3', async () => {
    const raw = client((await start()).port);
    raw.socket.write(command('HELLO', '3', 'SETNAME', 'me'));
    expect(await raw.read(4)).toBe('%7\r\n');
    raw.socket.write(command('CLIENT', 'GETNAME') + command('GET', 'none') + command('QUIT'));
    expect(await raw.rest()).toMatch(/\$5\r\nproto\r\n:3\r\n[\s\S]*\$2\r\nme\r\n_\r\n\+OK\r\n$/);
  });

  it('keeps the order of a pipeline over three hosts while ranges move', async () => {
    const { cluster: hosts, port } = await start(3, { delegateKeysMax: 1 });
    const [first, second, third] = hosts.configuration.hosts;
    if (first === undefined || second === undefined || third === undefined) throw new Error('three hosts');
    const administrator = await hosts.administrator();
    const raws = [client(port), client(port), client(port)];
    let moving = true;
    const moves = (async () => {
      for (let n = 0; moving; n++) {
        const recipient = [second, third, first][n % 3] ?? first;
        const [lo, hi] = [Buffer.from(`k${n % 5}`), n % 2 === 0 ? null : Buffer.from('k7')];
        if (hi === null || Buffer.compare(lo, hi) < 0) await administrator.shard({ lo, hi, recipient }, 5000);
      }
    })();
    const rounds = 60;
    await Promise.all(
      raws.map(async (raw, i) => {
        for (let round = 1; round <= rounds; round++) {
          let sent = '';
          const keys = Array.from({ length: 8 }, (_, k) => `k${k}-${i}`);
          for (const key of keys) sent += command('INCR', key) + command('GET', key) + command('INCR', 'k5-shared');
          raw.socket.write(sent);
          for (const _ of keys) {
            // The answers to the keys of this client follow from those before: nothing may overtake, be lost or be done twice.
            expect(await raw.line()).toBe(`:${round}`);
            expect(await raw.line()).toBe(`$${String(round).length}`);
            expect(await raw.line()).toBe(String(round));
            expect(await raw.line()).toMatch(/^:\d+$/);
          }
        }
      }),
    );
    moving = false;
    await moves;
    const total = String(raws.length * rounds * 8);
    await client(port).says(command('GET', 'k5-shared'), `$${total.length}\r\n${total}\r\n`);
  });

  it('lets nothing in between the read and the write of GETSET, and nothing behind it overtake', async () => {
    const { port } = await start();
    const raws = Array.from({ length: 4 }, () => client(port));
    const told = await Promise.all(
      raws.map(async (raw, i) => {
        const seen: string[] = [];
        for (let n = 0; n < 20; n++) {
          raw.socket.write(command('GETSET', 'k', `${i}-${String(n).padStart(2, '0')}`) + command('PING'));
          if ((await raw.line()) !== '$-1') seen.push(await raw.line());
          expect(await raw.line()).toBe('+PONG');
        }
        return seen;
      }),
    );
    const reader = client(port);
    reader.socket.write(command('GET', 'k'));
    expect(await reader.line()).toBe('$4');
    // Each value was found by exactly one that replaced it, or is the last.
    const values = [...told.flat(), await reader.line()];
    expect(values).toHaveLength(80);
    expect(new Set(values).size).toBe(80);
  });

  it('gives the sessions of closed connections to others', async () => {
    const { cluster: hosts, port } = await start();
    for (let n = 0; n < 10; n++) {
      const raw = client(port);
      await raw.says(command('INCR', 'n'), `:${n + 1}\r\n`);
      raw.socket.end();
      await raw.rest();
    }
    expect(hosts.hostAt(0).sessions.size).toBe(1);
  });

  it('answers what was asked before the client closed its side', async () => {
    const { port } = await start();
    const raw = client(port);
    raw.socket.end(
      command('SET', 'a', '1') + command('GET', 'a') + command('DBSIZE') + command('GET', 'a').slice(0, 7),
    );
    expect(await raw.rest()).toBe('+OK\r\n$1\r\n1\r\n:1\r\n');
  });
});

describe('a connection of the gateway', () => {
  it('stops reading a client that does not read, holds little for it, and goes on when it does', async () => {
    const limits = { ...connectionLimits, heldBytesMax: 100_000 };
    const valueBytes = 50_000;
    let asked = 0;
    const store: RespStore = {
      ...{ keyBytesMax: 100, valueBytesMax: 100_000 },
      session: () => ({
        request: (_command, settled) => {
          asked++;
          const outcome: StoreSettlement = {
            tag: 'outcome',
            outcome: { tag: 'value', value: Buffer.alloc(valueBytes, 'v') },
          };
          setImmediate(() => settled(outcome));
        },
        countKeys: async () => 0,
        close: () => undefined,
      }),
      sizeOf: () => valueBytes,
      close: async () => undefined,
    };
    const served: RespConnection[] = [];
    const { createServer } = await import('node:net');
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      served.push(new RespConnection({ socket, store, limits, id: 1, serverVersion: '0' }));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
    const raw = client(port);
    raw.socket.pause();
    const requests = 2000;
    raw.socket.write(command('GET', 'k').repeat(requests));
    // What the sockets' buffers of the system take is a few megabytes; then nothing moves.
    let before = -1;
    while (before !== asked) {
      before = asked;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    expect(asked).toBeLessThan(requests / 4);
    expect(served[0]?.heldBytes).toBeLessThan(400_000);
    raw.socket.resume();
    const one = `$${valueBytes}\r\n`.length + valueBytes + 2;
    expect((await raw.read(one * requests)).length).toBe(one * requests);
    expect(asked).toBe(requests);
    raw.socket.destroy();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  });

  it('refuses an MGET whose reply would be too large', async () => {
    const raw = client((await start(1, {}, { ...connectionLimits, replyBytesMax: 1000 })).port);
    await raw.says(command('SET', 'a', 'x'.repeat(600)), '+OK\r\n');
    await raw.says(command('MGET', 'a', 'a'), '-ERR the reply would be larger than this gateway allows\r\n');
    await raw.says(command('MGET', 'a'), `*1\r\n$600\r\n${'x'.repeat(600)}\r\n`);
  });
});
