/** A client of IronKV and its sessions: one that is held up is left for another, and what is said where one expires is true of each request. */
import { describe, expect, it } from 'vitest';
import { good, increment, World } from './client-world.js';
import { administrator, bytes, get, hostAt, set } from './host-cluster.js';

/** Two hosts of which the second owns the keys from m on. */
const twoHosts = (seed: number, sessionsMax = 64): World => {
  const world = new World(seed, good, 2, { sessionsMax });
  world.shard('m', null, 0, 1);
  world.pass(50);
  return world;
};

/** From now on nobody hears of the second host. */
const silence = (world: World): void => {
  world.isLost = ({ source, target }) => source === hostAt(1) || target === hostAt(1);
};

describe('a client of which one host does not answer', () => {
  it.each([{ renewMs: 60_000 }, { renewMs: 500 }])('goes on asking the others (%o)', (options) => {
    const world = twoHosts(1);
    const client = world.client({ window: 4, ...options });
    client.ask(set('z', '1'));
    world.run();
    silence(world);
    const stuck = [client.ask(increment('z')), client.ask(get('z'))];
    const ids: number[] = [];
    for (let n = 0; n < 100; n++) {
      ids.push(client.ask(increment('a')));
      world.pass(20);
    }
    world.pass(2000);
    expect(ids.map((id) => Number(client.told(id))).sort((a, b) => a - b)).toEqual(ids.map((_, n) => n + 1));
    expect(stuck.map((id) => client.told(id))).toEqual([undefined, undefined]);
    // The host was only cut off: each is answered, and executed once.
    world.isLost = () => false;
    world.run();
    expect(stuck.map((id) => client.told(id))).toEqual(['2', expect.stringMatching(/^[12]$/)]);
  });

  it('leaves only so many sessions behind', () => {
    const world = twoHosts(2);
    const client = world.client({ window: 2 });
    client.ask(set('a', '1'));
    world.run();
    silence(world);
    for (let n = 0; n < 100; n++) client.ask(increment('z'));
    world.pass(10_000);
    const opens = new Set(client.sent.flatMap(({ message }) => (message.tag === 'open' ? [message.nonce] : [])));
    expect(opens.size).toBeGreaterThan(2);
    expect(opens.size).toBeLessThanOrEqual(10);
    world.isLost = () => false;
    world.run();
    expect(client.settled.map(({ id }) => client.told(id))).not.toContain('SessionExpired');
    const reader = world.client();
    const id = reader.ask(get('z'));
    world.run();
    expect(reader.told(id)).toBe('100');
  });

  it('keeps the order of an ordered session all the same', () => {
    const world = twoHosts(3);
    const client = world.client({ window: 4, ordered: true, renewMs: 500 });
    client.ask(set('z', '5'));
    world.run();
    silence(world);
    const ids = [client.ask(increment('z')), client.ask(increment('a'))];
    world.pass(3000);
    expect(ids.map((id) => client.told(id))).toEqual([undefined, undefined]);
    world.isLost = () => false;
    world.run();
    expect(ids.map((id) => client.told(id))).toEqual(['6', '1']);
  });
});

describe('a client whose session expired', () => {
  it('promises of the refused request alone that it will not be executed any more', () => {
    const world = twoHosts(4, 8);
    // Opened at the first host, which tells the second one of the horizon only where a range moves.
    const client = world.client({ random: () => 0.1 });
    const first = [client.ask(set('a', '1')), client.ask(set('z', '1'))];
    world.run();
    expect(first.map((id) => client.told(id))).toEqual(['true', 'true']);
    // Sessions that others use at the first host push the client's below the horizon there, and only there.
    const { number } = client.sent.flatMap(({ message }) =>
      message.tag === 'request' ? [message.session] : [],
    )[0] ?? {
      number: 0,
    };
    for (let nonce = 0; nonce < 12; nonce++) {
      const session = { number: number + 256 * (nonce + 1), nonce };
      world.hosts.request(get('a'), { of: session, ordered: true, source: administrator });
    }
    world.pass(5);
    let late: (() => void) | undefined;
    const carry = world.carry.bind(world);
    world.carry = (packet) => {
      const m = packet.message;
      if (late === undefined && m.tag === 'request' && m.command.key[0] === bytes('z')[0]) late = () => carry(packet);
      else carry(packet);
    };
    const ids = [client.ask(increment('z')), client.ask(increment('a'))];
    world.pass(10);
    expect(ids.map((id) => client.told(id))).toEqual(['SessionExpired', 'SessionExpired']);
    const messages = ids.map((id) => client.settled.find((s) => s.id === id)?.settlement);
    const said = messages.map((s) => (s?.tag === 'failed' ? s.error.message : ''));
    expect(said[0]).toMatch(/or still will be, is unknown/);
    expect(said[1]).toMatch(/will not be executed from now on/);
    // And so it comes.
    late?.();
    world.pass(20);
    const reader = world.client();
    const reads = [reader.ask(get('z')), reader.ask(get('a'))];
    world.run();
    expect(reads.map((id) => reader.told(id))).toEqual(['2', '1']);
  });
});
