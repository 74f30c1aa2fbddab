/** Hosts of IronKV in simulated clusters, under all faults but crashes, with everything judged. */
import { expect, test, vi } from 'vitest';
import type { StepIo } from '../../src/network/step-io.js';
import { faultNames } from '../../src/refinement/simulation/faults.js';
import type { ClientProgram } from '../../src/refinement/simulation/simulated-system.js';
import { simulate } from '../../src/refinement/simulator.js';
import { equalValues, fromPlain, toPlain } from '../../src/refinement/values.js';
import { type EndPoint, endPoint } from '../../src/spec/endpoint.js';
import type { Packet } from '../../src/spec/packet.js';
import { E, O } from '../../src/spec/prelude.js';
import { Intake } from '../../systems/ironkv/host/intake.js';
import { type KvAction, KvHost } from '../../systems/ironkv/host.js';
import { ironkv } from '../../systems/ironkv/main.js';
import type { KvMessage } from '../../systems/ironkv/messages.js';
import { ironkvProtocol } from '../../systems/ironkv/protocol.js';
import { ironkvRefinement } from '../../systems/ironkv/refinement.js';
import { KvClientHistory, Sequence } from '../../systems/ironkv/simulation/history.js';
import { ironkvSimulation } from '../../systems/ironkv/simulation.js';
import { RandomWalk } from './random-walk.js';

const faults = faultNames.filter((name) => name !== 'crash');

test('clusters keep every check while ranges move, and reach every goal (seeds 500 to 523)', async () => {
  const reached = new Map<string, number>();
  for (let seed = 500; seed < 524; seed++) {
    const result = await simulate(ironkvSimulation, { seed, steps: 300, faults, nodes: undefined });
    expect(result.found, `seed ${seed}`).toBeUndefined();
    expect(result.inconclusive, `seed ${seed}`).toBeUndefined();
    expect(result.stepsChecked).toBe(result.steps);
    for (const [goal, count] of Object.entries(result.reached)) reached.set(goal, (reached.get(goal) ?? 0) + count);
  }
  for (const goal of ironkvSimulation.goals) expect(reached.get(goal), goal).toBeGreaterThan(0);
}, 180_000);

test('between a client and the host that it is beside nothing is lost, repeated or reordered', async () => {
  const asked = 200;
  const told: number[] = [];
  const beside: typeof ironkvSimulation = {
    ...ironkvSimulation,
    draw: (random, options) => {
      const { constants, hosts } = ironkvSimulation.draw(random, options);
      const [host] = hosts;
      if (host === undefined) throw new Error('no host');
      const client: ClientProgram<KvMessage> = {
        beside: host,
        start: (io) => {
          const ask = (nonce: number): void => {
            expect(io.send(host, { tag: 'statusRequest', nonce, from: new Uint8Array(0) })).toBe(true);
            if (nonce + 1 < asked) io.after(1, () => ask(nonce + 1));
          };
          ask(0);
        },
        receive: ({ source, message }) => {
          expect(source).toBe(host);
          if (message.tag === 'status') told.push(message.nonce);
        },
      };
      return { constants, hosts, clients: [client] };
    },
  };
  const strengths = { loss: 1, duplicate: 1, reorder: 1, delay: 1 };
  const { found } = await simulate(beside, { seed: 3, steps: 400, faults: [], strengths, nodes: 2 });
  expect(found).toBeUndefined();
  expect(told).toEqual(Array.from({ length: asked }, (_, nonce) => nonce));
});

test('a history that no order explains is not linearizable', () => {
  const history = new KvClientHistory(64);
  expect(history.judge().answer).toBe('linearizable');
  history.spoil();
  expect(history.judge().answer).toBe('not');
});

test('in an ordered session what was asked took effect before the answer to what was asked later', () => {
  const [asker, writer] = ['10.0.2.1:9000', '10.0.2.2:9000'].map(endPoint) as [EndPoint, EndPoint];
  const [a, b] = [Buffer.from('a'), Buffer.from('b')];
  const judged = (sequence: Sequence | undefined): string => {
    const history = new KvClientHistory(64);
    const first = history.asked(asker, 'one', { tag: 'get', key: a }, 1, sequence);
    const later = history.asked(asker, 'two', { tag: 'get', key: b }, 2, sequence);
    later.answered({ tag: 'value', value: null }, 3);
    const other = history.asked(writer, 'three', { tag: 'set', key: a, value: b, when: 'always' }, 4);
    other.answered({ tag: 'done', done: true }, 5);
    first.answered({ tag: 'value', value: b }, 6);
    return history.judge().answer;
  };
  expect(judged(undefined)).toBe('linearizable');
  expect(judged(new Sequence())).toBe('not');
});

test('some steps are cut short by long values (seeds 540 to 551)', async () => {
  let cut = 0;
  const take = Intake.prototype.take;
  const spy = vi.spyOn(Intake.prototype, 'take').mockImplementation(function (this: Intake, io) {
    const packets = take.call(this, io);
    // Had it ended for want of packets, they would have no more bytes than a step may have.
    if (packets.length < receiveMax && carriedIn(packets) > stepBytesMax) cut++;
    return packets;
  });
  let [receiveMax, stepBytesMax] = [0, 0];
  for (let seed = 540; seed < 552; seed++) {
    const drawn: typeof ironkvSimulation = {
      ...ironkvSimulation,
      draw: (random, options) => {
        const cluster = ironkvSimulation.draw(random, options);
        ({ receiveMax, stepBytesMax } = cluster.constants.parameters);
        return cluster;
      },
    };
    const { found } = await simulate(drawn, { seed, steps: 200, faults, nodes: undefined });
    expect(found, `seed ${seed}`).toBeUndefined();
  }
  spy.mockRestore();
  expect(cut).toBeGreaterThan(0);
});

/** Bytes of the values that the packets carry, a lower bound of what counts where every value is long. */
const carriedIn = (packets: readonly Packet<KvMessage>[]): number => {
  let bytes = 0;
  for (const { message: m } of packets) {
    if (m.tag === 'request' && 'value' in m.command) bytes += m.command.value.length;
    if (m.tag === 'deliver' && m.body.tag === 'delegate') for (const { value } of m.body.pairs) bytes += value.length;
  }
  return bytes;
};

test('a seed gives the same run twice', async () => {
  const [one, two] = await Promise.all(
    [7, 7].map((seed) => simulate(ironkvSimulation, { seed, steps: 200, faults, nodes: undefined })),
  );
  expect(one?.traceHash).toBe(two?.traceHash);
});

test('hosts that crash leave nothing wrong behind', async () => {
  for (let seed = 700; seed < 706; seed++) {
    const result = await simulate(ironkvSimulation, { seed, steps: 300, faults: ['crash', 'loss'], nodes: undefined });
    expect(result.found, `seed ${seed}`).toBeUndefined();
  }
});

test('a host that takes orders from strangers is caught before it answers', async () => {
  class Obedient extends KvHost {
    override next(io: StepIo<KvMessage, KvAction>): void {
      super.next({
        me: io.me,
        receiveAll: (countMax) => io.receiveAll(countMax),
        receive: () => io.receive(),
        clock: () => io.clock(),
        send: (target, message) => {
          const denies = message.tag === 'shardReply' && message.verdict === 'NOT_ADMINISTRATOR';
          io.send(target, denies ? { ...message, verdict: 'moving' } : message);
        },
        broadcast: (targets, message) => io.broadcast(targets, message),
        deliverToSelf: (message) => io.deliverToSelf(message),
        record: (action) => io.record(action),
        touch: (component, key) => io.touch(component, key),
      });
    }
  }
  const definition: typeof ironkv = { ...ironkv, createHost: (constants, me) => new Obedient(constants, me) };
  for (let seed = 1; seed < 60; seed++) {
    const options = { seed, steps: 400, faults: ['stranger'] as const, nodes: undefined };
    const { found } = await simulate({ ...ironkvSimulation, definition }, options);
    if (found === undefined) continue;
    expect(found).toMatchObject({ check: 'SEC', code: 'STRANGER_CHANGED_HOST', stoppedBeforeRelease: true });
    return;
  }
  throw new Error('no stranger ordered a move');
});

test('a state that was written to a trace and read again goes on like the one before', () => {
  const walk = new RandomWalk(11);
  walk.run(600);
  for (const [me, state] of walk.cluster.hosts) {
    const read = fromPlain(JSON.parse(JSON.stringify(toPlain(ironkvRefinement.trace.strip(state)))));
    if (E.isLeft(read)) throw new Error(read.left);
    const initial = ironkvProtocol.init(state.constants.configuration, me);
    const restored = ironkvRefinement.trace.restore(initial, read.right);
    expect(equalValues(restored, state)).toBe(true);
    for (let move = 0; move < state.moves.length; move++) {
      const step = { tag: 'delegate', move, timeMs: 1 } as const;
      expect(O.isSome(ironkvProtocol.step(restored, step))).toBe(O.isSome(ironkvProtocol.step(state, step)));
    }
  }
});
