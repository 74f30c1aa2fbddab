/** What a gateway of the Redis protocol holds, before stores that are invented and before real, judged hosts of IronKV. */
import { afterEach, describe, expect, it } from 'vitest';
import { connectionLimits } from '../../src/cli/gateway/connection.js';
import { HeldBytes, type Holder } from '../../src/cli/gateway/held-bytes.js';
import type { RespGateway } from '../../src/cli/gateway/server.js';
import type { RespStore, StoreSettlement } from '../../src/cli/gateway/store.js';
import { LoopbackCluster } from '../ironkv/loopback-cluster.js';
import { listen, openGateway, openStore } from './kv-gateway.js';
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

const client = (port: number): RawClient => {
  const raw = new RawClient(port);
  clients.push(raw);
  return raw;
};

const mebibyte = 1 << 20;

/** What was asked of a store, and the bytes of the values that it told. */
interface Watch {
  asked: number;
  told: number;
}

/** A store in which every value has so many bytes. */
const storeOf = (valueBytes: number, sizeOf: () => number | undefined, watch: Watch): RespStore => ({
  ...{ keyBytesMax: 100, valueBytesMax: 16 * mebibyte },
  session: () => ({
    request: (_command, settled) => {
      watch.asked++;
      const value = Buffer.alloc(valueBytes, 'v');
      setImmediate(() => settled({ tag: 'outcome', outcome: { tag: 'value', value } }));
    },
    countKeys: async () => 0,
    close: () => undefined,
  }),
  sizeOf,
  close: async () => undefined,
});

/** The store, watched. */
const watched = (store: RespStore, watch: Watch): RespStore => ({
  ...store,
  session: () => {
    const session = store.session();
    return {
      ...session,
      request: (asked, settled) => {
        watch.asked++;
        session.request(asked, (settlement: StoreSettlement) => {
          if (settlement.tag === 'outcome' && settlement.outcome.tag === 'value') {
            watch.told += settlement.outcome.value?.length ?? 0;
          }
          settled(settlement);
        });
      },
    };
  },
});

/** Looks of `still`. Where the machine is busy with something else for a while one of them finds nothing new, and the next does. */
const looks = 10;

/** Waits until a number stays as it is for so long, while packets that wait are taken. */
const still = async (number: () => number, ms = 300): Promise<number> => {
  let before = number();
  for (let same = 0; same < looks; same++) {
    await new Promise((resolve) => setTimeout(resolve, ms / looks));
    await new Promise((resolve) => setImmediate(resolve));
    const now = number();
    if (now !== before) same = -1;
    before = now;
  }
  return before;
};

/** Waits until something is so; fails by the test's own time limit. */
const until = async (isSo: () => boolean): Promise<void> => {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 5));
};

const opened = async (store: RespStore, limits = connectionLimits): Promise<RespGateway> => {
  const gateway = await listen(store, limits);
  gateways.push(gateway);
  return gateway;
};

/** What the system's own buffers take from a socket that nobody reads; above what they have by default. */
const systemBytes = 12 * mebibyte;

describe('a connection of the gateway', () => {
  it('stops reading a client that does not read, holds little for it, and goes on when it does', async () => {
    const valueBytes = 50_000;
    const watch: Watch = { asked: 0, told: 0 };
    const limits = { ...connectionLimits, heldBytesMax: 100_000 };
    const gateway = await opened(
      storeOf(valueBytes, () => valueBytes, watch),
      limits,
    );
    const raw = client(gateway.port);
    raw.socket.pause();
    const requests = 2000;
    raw.socket.write(command('GET', 'k').repeat(requests));
    // What the sockets' buffers of the system take is a few megabytes; then nothing moves.
    expect(await still(() => watch.asked, 200)).toBeLessThan(requests / 4);
    expect(gateway.heldBytes).toBeLessThan(400_000);
    raw.socket.resume();
    const one = `$${valueBytes}\r\n`.length + valueBytes + 2;
    expect((await raw.read(one * requests)).length).toBe(one * requests);
    expect(watch.asked).toBe(requests);
  });

  it('asks another host for no more values than it has room for, however large they turn out', async () => {
    cluster = await LoopbackCluster.start(2);
    const [, other] = cluster.configuration.hosts;
    if (other === undefined) throw new Error('two hosts');
    await (await cluster.administrator()).shard(
      { lo: Buffer.from('r'), hi: Buffer.from('s'), recipient: other },
      30_000,
    );
    const watch: Watch = { asked: 0, told: 0 };
    const gateway = await opened(watched(await openStore(cluster, 0), watch));
    const value = 'v'.repeat(2 * mebibyte);
    await client(gateway.port).says(command('SET', 'r1', value), '+OK\r\n');
    expect(cluster.hostAt(1).table.size).toBe(1);
    const raw = client(gateway.port);
    raw.socket.pause();
    const requests = 40;
    raw.socket.write(command('GET', 'r1').repeat(requests) + command('PING'));
    await until(() => watch.told > 0);
    await still(() => watch.told, 500);
    expect(watch.told).toBeGreaterThan(0);
    expect(watch.told).toBeLessThan(connectionLimits.heldBytesMax + systemBytes + value.length);
    expect(gateway.heldBytes).toBeLessThan(connectionLimits.heldBytesMax + 2 * value.length);
    raw.socket.resume();
    const one = `$${value.length}\r\n${value}\r\n`.length;
    expect((await raw.read(one * requests)).length).toBe(one * requests);
    expect(await raw.line()).toBe('+PONG');
  });

  it('keeps room for values that its own commands make large', async () => {
    cluster = await LoopbackCluster.start(1);
    const watch: Watch = { asked: 0, told: 0 };
    const gateway = await opened(watched(await openStore(cluster, 0), watch));
    const raw = client(gateway.port);
    raw.socket.pause();
    const value = 'v'.repeat(mebibyte);
    raw.socket.write(command('SET', 'k', value) + command('GET', 'k').repeat(60));
    await until(() => watch.told > 0);
    await still(() => watch.told, 500);
    expect(watch.told).toBeGreaterThan(0);
    expect(watch.told).toBeLessThan(connectionLimits.heldBytesMax + systemBytes + value.length);
  });

  it('drops replies for which there is no room since values grew, says so, and goes on', async () => {
    const watch: Watch = { asked: 0, told: 0 };
    const limits = { ...connectionLimits, heldBytesMax: mebibyte, replyBytesMax: 3 * mebibyte, argumentsMax: 10 };
    const gateway = await opened(
      storeOf(mebibyte, () => 0, watch),
      limits,
    );
    const raw = client(gateway.port);
    raw.socket.pause();
    const requests = 100;
    raw.socket.write(command('GET', 'k').repeat(requests) + command('PING'));
    await until(() => watch.asked === requests);
    await still(() => gateway.heldBytes);
    expect(gateway.heldBytes).toBeLessThan(4.1 * mebibyte);
    raw.socket.resume();
    let values = 0;
    for (let n = 0; n < requests; n++) {
      const line = await raw.line();
      if (line.startsWith('$')) {
        expect(await raw.read(mebibyte + 2)).toHaveLength(mebibyte + 2);
        values++;
      } else expect(line).toMatch(/^-ERR REPLY_TOO_LARGE: the command was executed, /);
    }
    expect(values).toBeGreaterThan(0);
    expect(values).toBeLessThan(requests);
    expect(await raw.line()).toBe('+PONG');
  });

  it('counts the values of an MGET while they come', async () => {
    const settle: (() => void)[] = [];
    const value = Buffer.alloc(mebibyte, 'v');
    const outcome: StoreSettlement = { tag: 'outcome', outcome: { tag: 'value', value } };
    const gateway = await opened({
      ...storeOf(0, () => 0, { asked: 0, told: 0 }),
      session: () => ({
        request: (_command, settled) => settle.push(() => settled(outcome)),
        countKeys: async () => 0,
        close: () => undefined,
      }),
    });
    const raw = client(gateway.port);
    raw.socket.write(command('MGET', ...'abcdefghij'));
    await until(() => settle.length === 10);
    for (const one of settle.splice(0, 9)) one();
    await until(() => gateway.heldBytes > 9 * mebibyte);
    for (const one of settle) one();
    expect(await raw.line()).toBe('*10');
  });

  it('asks the store for nothing of a command that is above the limits', async () => {
    const watch: Watch = { asked: 0, told: 0 };
    const gateway = await opened({ ...storeOf(1, () => 1, watch), valueBytesMax: 10 });
    const raw = client(gateway.port);
    const [key, value] = ['k'.repeat(101), 'v'.repeat(11)];
    const refused = [
      ...['GET', 'STRLEN', 'INCR', 'DECR', 'DEL', 'EXISTS', 'MGET'].map((name) => command(name, key)),
      ...['SET', 'SETNX', 'GETSET', 'APPEND', 'MSET'].flatMap((name) => [
        command(name, key, ''),
        command(name, 'k', value),
      ]),
    ];
    raw.socket.write(refused.join(''));
    for (const _ of refused) expect(await raw.line()).toMatch(/^-ERR (KEY_TOO_LONG|VALUE_TOO_LARGE): /);
    expect(watch.asked).toBe(0);
  });

  it('refuses an MGET whose reply would be too large', async () => {
    cluster = await LoopbackCluster.start(1);
    gateways.push(await openGateway(cluster, 0, { ...connectionLimits, replyBytesMax: 1000 }));
    const raw = client(gateways[0]?.port ?? 0);
    await raw.says(command('SET', 'a', 'x'.repeat(600)), '+OK\r\n');
    await raw.says(command('MGET', 'a', 'a'), '-ERR the reply would be larger than this gateway allows\r\n');
    await raw.says(command('MGET', 'a'), `*1\r\n$600\r\n${'x'.repeat(600)}\r\n`);
  });
});

describe('all connections of a gateway', () => {
  it('hold no more than their limit together: those that hold the most are ended, and others are served', async () => {
    const valueBytes = 8 * mebibyte;
    const limits = { ...connectionLimits, allHeldBytesMax: 33 * mebibyte };
    const gateway = await opened(
      storeOf(valueBytes, () => undefined, { asked: 0, told: 0 }),
      limits,
    );
    const small = client(gateway.port);
    await small.says(command('PING'), '+PONG\r\n');
    let most = 0;
    for (let n = 0; n < 12; n++) {
      const raw = client(gateway.port);
      raw.socket.pause();
      raw.socket.write(command('GET', 'k').repeat(3));
      most = Math.max(most, await still(() => gateway.heldBytes, 30));
    }
    expect(most).toBeGreaterThan(16 * mebibyte);
    expect(most).toBeLessThanOrEqual(limits.allHeldBytesMax);
    await small.says(command('PING'), '+PONG\r\n');
    for (const { socket } of clients) socket.resume();
    // At least 12 replies of 8 MiB were asked for, and 33 MiB are held.
    let ended = 0;
    for (const raw of clients.slice(1)) if ((await raw.read(3 * valueBytes)).length < 3 * valueBytes) ended++;
    expect(ended).toBeGreaterThanOrEqual(6);
    expect(ended).toBeLessThan(12);
    const whole = `$${valueBytes}\r\n`.length + valueBytes + 2;
    small.socket.write(command('GET', 'k'));
    expect(await small.read(whole)).toHaveLength(whole);
  });

  it('have commands that are not whole counted with what their arguments cost', async () => {
    const limits = { ...connectionLimits, allHeldBytesMax: 6 * mebibyte };
    const gateway = await opened(
      storeOf(1, () => 1, { asked: 0, told: 0 }),
      limits,
    );
    const unfinished = `*10000\r\n${'$1\r\nv\r\n'.repeat(9999)}`;
    const raws = Array.from({ length: 3 }, () => client(gateway.port));
    for (const { socket } of raws) socket.write(unfinished);
    // Each holds some 2.5 MB.
    await Promise.race(raws.map((raw) => raw.rest()));
    await until(() => gateway.heldBytes > 4 * mebibyte);
    expect(await still(() => gateway.heldBytes, 50)).toBeGreaterThan(4 * mebibyte);
    expect(gateway.heldBytes).toBeLessThanOrEqual(limits.allHeldBytesMax);
    await client(gateway.port).says(command('GET', 'k'), '$1\r\nv\r\n');
  });

  it('have one command each at a time where half of the limit is held', async () => {
    const settle: (() => void)[] = [];
    const outcome: StoreSettlement = { tag: 'outcome', outcome: { tag: 'value', value: Buffer.from('v') } };
    const store: RespStore = {
      ...storeOf(0, () => 0, { asked: 0, told: 0 }),
      session: () => ({
        request: (_command, settled) => settle.push(() => settled(outcome)),
        countKeys: async () => 0,
        close: () => undefined,
      }),
    };
    const gateway = await opened(store, { ...connectionLimits, allHeldBytesMax: 2 * mebibyte });
    const [large, raw] = [client(gateway.port), client(gateway.port)];
    large.socket.write(command('SET', 'k', 'v'.repeat(mebibyte)));
    await until(() => settle.length === 1);
    const answerSet = settle.pop();
    raw.socket.write(command('GET', 'k').repeat(10));
    for (let n = 0; n < 5; n++) {
      await until(() => settle.length > 0);
      expect(await still(() => settle.length, 50)).toBe(1);
      settle.pop()?.();
      expect(await raw.read(7)).toBe('$1\r\nv\r\n');
    }
    answerSet?.();
    settle.pop()?.();
    expect(await raw.read(7)).toBe('$1\r\nv\r\n');
    await until(() => settle.length >= 4);
    expect(await still(() => settle.length, 50)).toBe(4);
  });

  it('are ended from the largest on, and no more of them than have to be', async () => {
    const ended: number[] = [];
    const held = new HeldBytes(100);
    const holders = [0, 1, 2, 3].map((i): Holder => ({ evict: () => ended.push(i) }));
    for (const [i, bytes] of [30, 40, 20].entries()) held.tell(holders[i] as Holder, bytes);
    await new Promise((resolve) => setImmediate(resolve));
    expect({ ended, bytes: held.bytes }).toEqual({ ended: [], bytes: 90 });
    held.tell(holders[3] as Holder, 25);
    await new Promise((resolve) => setImmediate(resolve));
    expect({ ended, bytes: held.bytes }).toEqual({ ended: [1], bytes: 75 });
  });
});
