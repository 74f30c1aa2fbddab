/** The gateway of the Redis protocol before real, judged hosts of IronKV, over TCP. */
import { setTimeout } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import type { RespGateway } from '../../src/cli/gateway/server.js';
import type { EndPoint } from '../../src/spec/endpoint.js';
import { E } from '../../src/spec/prelude.js';
import { LoopbackCluster } from '../ironkv/loopback-cluster.js';
import { openGateway } from './kv-gateway.js';
import { command, RawClient } from './raw-client.js';

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
  timeoutMs = 60_000,
): Promise<{ readonly cluster: LoopbackCluster; readonly port: number }> => {
  cluster = await LoopbackCluster.start(hosts, parameters);
  const gateway = await openGateway(cluster, 0, undefined, timeoutMs);
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
    await raw.says(
      command('SET', '123456789', ''),
      '-ERR KEY_TOO_LONG: the key is longer than the limit of 8 bytes\r\n',
    );
    await raw.says(
      command('SET', 'a', 'x'.repeat(41)),
      '-ERR VALUE_TOO_LARGE: the value is longer than the limit of 40 bytes\r\n',
    );
    await raw.says(
      command('APPEND', 'a', 'x'.repeat(37)),
      '-ERR VALUE_TOO_LARGE: string exceeds maximum allowed size\r\n',
    );
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

  it('answers each command in the version that was spoken when it came', async () => {
    const raw = client((await start()).port);
    raw.socket.write(command('GET', 'none') + command('HELLO', '3') + command('GET', 'none') + command('HELLO', '2'));
    raw.socket.write(command('GET', 'none') + command('HELLO', '4') + command('GET', 'none') + command('QUIT'));
    const refused = '-NOPROTO unsupported protocol version\r\n';
    const [before = '', between = '', after = ''] = (await raw.rest()).split(/(?:%7|\*14)\r\n\$6\r\nserver\r\n/);
    expect(before).toBe('$-1\r\n');
    expect(between).toMatch(/:3\r\n[\s\S]*_\r\n$/);
    expect(after).toMatch(/:2\r\n/);
    expect(after.endsWith(`*0\r\n$-1\r\n${refused}$-1\r\n+OK\r\n`)).toBe(true);
  });

  it('takes from HELLO only names that CLIENT SETNAME takes, and nothing where an option is wrong', async () => {
    const raw = client((await start()).port);
    const bad = '-ERR Client names cannot contain spaces, newlines or special characters.\r\n';
    await raw.says(command('HELLO', '3', 'SETNAME', '\xc3\xa9'), bad);
    await raw.says(command('HELLO', '3', 'SETNAME', 'a b'), bad);
    await raw.says(command('CLIENT', 'SETNAME', '\xc3\xa9'), bad);
    await raw.says(
      command('HELLO', '3', 'SETNAME', 'a', 'NONSENSE'),
      "-ERR Syntax error in HELLO option 'NONSENSE'\r\n",
    );
    await raw.says(command('CLIENT', 'GETNAME'), '$-1\r\n');
  });

  it('refuses a command of several keys by name, and does nothing of it, where one of them is too long', async () => {
    const raw = client((await start(1, { keyBytesMax: 8, valueBytesMax: 40 })).port);
    const longKey = '-ERR KEY_TOO_LONG: the key is longer than the limit of 8 bytes\r\n';
    const longValue = '-ERR VALUE_TOO_LARGE: the value is longer than the limit of 40 bytes\r\n';
    await raw.says(command('MSET', 'a', '1', '123456789', '2', 'b', '3'), longKey);
    await raw.says(command('MSET', 'a', '1', 'b', 'x'.repeat(41)), longValue);
    await raw.says(command('EXISTS', 'a', 'b'), ':0\r\n');
    await raw.says(command('MSET', 'a', '1', '12345678', 'x'.repeat(40)), '+OK\r\n');
    await raw.says(command('DEL', 'a', '123456789'), longKey);
    await raw.says(command('EXISTS', 'a', '123456789'), longKey);
    await raw.says(command('MGET', 'a', '123456789'), longKey);
    for (const name of ['GET', 'INCR', 'DECR', 'STRLEN', 'DEL', 'EXISTS']) {
      await raw.says(command(name, '123456789'), longKey);
    }
    for (const name of ['SETNX', 'GETSET', 'APPEND', 'SET', 'MSET']) {
      await raw.says(command(name, '123456789', '1'), longKey);
      await raw.says(command(name, 'c', 'x'.repeat(41)), longValue);
    }
    await raw.says(command('MGET', 'a', '12345678', 'c'), `*3\r\n$1\r\n1\r\n$40\r\n${'x'.repeat(40)}\r\n$-1\r\n`);
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

describe('a gateway of whose cluster a host is dead', () => {
  it('answers commands for its keys with an error, and those behind them for other keys as ever', async () => {
    const { cluster: hosts, port } = await start(2, {}, 1500);
    const administrator = await hosts.administrator();
    const order = { lo: Buffer.from('m'), hi: null, recipient: hosts.configuration.hosts[1] as EndPoint };
    expect(E.isRight(await administrator.shard(order, 10_000))).toBe(true);
    const raw = client(port);
    await raw.says(command('SET', 'z', '1') + command('SET', 'a', '1'), '+OK\r\n+OK\r\n');
    await hosts.started[1]?.node.close();
    raw.socket.write(command('INCR', 'z') + command('INCR', 'a'));
    // Those that come later wait for it too, but their own time is not over then: they go on in another session.
    await setTimeout(700);
    raw.socket.write(command('INCR', 'a') + command('GET', 'a'));
    expect(await raw.line()).toMatch(/^-ERR no answer within 1500 ms; .* unknown$/);
    expect(await raw.line()).toMatch(/^-ERR no answer within 1500 ms; .* not be executed$/);
    await raw.says('', ':2\r\n$1\r\n2\r\n');
    await raw.says(command('DEL', 'a'), ':1\r\n');
  });
});
