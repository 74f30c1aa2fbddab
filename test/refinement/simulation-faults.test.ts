/** The faults of the simulator: each fires, does what it says, and heals. */
import { describe, expect, it } from 'vitest';
import type { SimulatedDatagram } from '../../src/network/simulated-network.js';
import { crash, networks, ordered } from '../../src/protocol/network.js';
import { Random } from '../../src/refinement/random.js';
import type { HostControl } from '../../src/refinement/simulation/faults/fault.js';
import { drawStrengths, type FaultName, Faults, faultNames, noFaults } from '../../src/refinement/simulation/faults.js';
import { claimsLiveness, faultsOf, safeFaults } from '../../src/refinement/simulation/faults-of-network.js';
import { HostGate } from '../../src/refinement/simulation/host-gate.js';
import { SimulatedClock } from '../../src/refinement/simulation/simulated-clock.js';
import { VirtualTime } from '../../src/refinement/simulation/virtual-time.js';
import { endPoint } from '../../src/spec/endpoint.js';

const hosts = [1, 2, 3, 4, 5].map((i) => endPoint(`10.0.0.${i}:7000`));
const [a, b] = hosts as [(typeof hosts)[number], (typeof hosts)[number]];

interface Arrival extends SimulatedDatagram {
  readonly atMs: number;
}

/** A world with one fault at full strength, in which every host sends to every other every ten milliseconds. */
const world = (name: FaultName | undefined, seed = 1) => {
  const time = new VirtualTime();
  const arrivals: Arrival[] = [];
  const calls: string[] = [];
  const control: HostControl = {
    pause: (host) => calls.push(`pause ${host}`),
    resume: (host) => calls.push(`resume ${host}`) > 0,
    crash: (host) => calls.push(`crash ${host}`),
    setClockRate: (host, rate) => calls.push(`rate ${host} ${rate}`),
    jumpClock: (host, ms) => calls.push(`jump ${host} ${ms}`),
  };
  const faults = new Faults({
    strengths: { ...noFaults(), ...(name === undefined ? {} : { [name]: 1 }) },
    random: new Random(seed),
    time,
    hosts,
    control,
    deliver: (datagram) => arrivals.push({ ...datagram, atMs: time.nowMs }),
  });
  let sent = 0;
  const sendAll = (): void => {
    for (const source of hosts)
      for (const target of hosts)
        if (source !== target) faults.send({ source, target, bytes: Uint8Array.of(sent >> 16, sent >> 8, sent++) });
    time.after(10, sendAll);
  };
  sendAll();
  const runTo = (ms: number): void => {
    while (time.nowMs < ms && time.runNext());
  };
  return { time, arrivals, calls, faults, runTo, sent: () => sent };
};

const numberOf = ({ bytes }: SimulatedDatagram): number =>
  ((bytes[0] as number) << 16) | ((bytes[1] as number) << 8) | (bytes[2] as number);

const onLink = (arrivals: readonly Arrival[]) => arrivals.filter(({ source, target }) => source === a && target === b);

describe('without faults', () => {
  it('every datagram arrives once, in order, after a millisecond', () => {
    const { arrivals, runTo, sent, faults } = world(undefined);
    runTo(1_000);
    expect(arrivals.length).toBeGreaterThanOrEqual(sent() - 20);
    expect(arrivals.map(numberOf)).toEqual(arrivals.map((_, i) => i));
    expect(Object.values(faults.fired).every((count) => count === 0)).toBe(true);
  });
});

describe('a fault of datagrams', () => {
  it('loss takes some away', () => {
    const { arrivals, runTo, sent, faults } = world('loss');
    runTo(2_000);
    expect(faults.fired.loss).toBeGreaterThan(0);
    expect(Math.abs(sent() - arrivals.length - faults.fired.loss)).toBeLessThanOrEqual(20);
  });

  it('duplicate delivers some twice', () => {
    const { arrivals, runTo, faults } = world('duplicate');
    runTo(2_000);
    expect(arrivals.length - new Set(arrivals.map(numberOf)).size).toBeGreaterThan(0.9 * faults.fired.duplicate);
    expect(faults.fired.duplicate).toBeGreaterThan(0);
  });

  it.each(['delay', 'reorder'] as const)('%s lets datagrams of one link overtake each other', (name) => {
    const { arrivals, runTo, faults } = world(name);
    runTo(4_000);
    const numbers = onLink(arrivals).map(numberOf);
    expect(numbers).not.toEqual([...numbers].sort((x, y) => x - y));
    expect(new Set(numbers).size).toBe(numbers.length);
    expect(faults.fired[name]).toBeGreaterThan(0);
  });

  it('corrupt changes or cuts some', () => {
    const { arrivals, runTo, faults } = world('corrupt');
    runTo(4_000);
    const known = new Set<number>();
    const odd = arrivals.filter((arrival) => {
      const again = arrival.bytes.length < 3 || known.has(numberOf(arrival));
      known.add(numberOf(arrival));
      return again;
    });
    expect(odd.some(({ bytes }) => bytes.length < 3)).toBe(true);
    expect(odd.some(({ bytes }) => bytes.length === 3)).toBe(true);
    expect(faults.fired.corrupt).toBeGreaterThan(0);
  });
});

/** Directed links on which nothing arrived within some 100 ms, by how many datagrams arrive in each window. */
const deadLinks = (arrivals: readonly Arrival[], endMs: number): readonly string[] => {
  const dead = new Set<string>();
  for (let fromMs = 0; fromMs + 100 <= endMs; fromMs += 20) {
    const alive = new Set(
      arrivals.filter(({ atMs }) => atMs > fromMs && atMs <= fromMs + 100).map((d) => `${d.source} ${d.target}`),
    );
    for (const source of hosts)
      for (const target of hosts)
        if (source !== target && !alive.has(`${source} ${target}`)) dead.add(`${fromMs} ${source} ${target}`);
  }
  return [...dead];
};

const reverse = (link: string): string => {
  const [fromMs, source, target] = link.split(' ');
  return `${fromMs} ${target} ${source}`;
};

describe('a fault of links', () => {
  it('partition cuts links in both directions, and ends', () => {
    const { arrivals, runTo, faults } = world('partition');
    runTo(3_000);
    const dead = deadLinks(arrivals, 3_000);
    expect(dead.length).toBeGreaterThan(0);
    expect(dead.filter((link) => !dead.includes(reverse(link)))).toEqual([]);
    expect(faults.fired.partition).toBeGreaterThan(1);
  });

  it('one-way cuts links in one direction', () => {
    const { arrivals, runTo, faults } = world('one-way');
    runTo(3_000);
    const dead = deadLinks(arrivals, 3_000);
    expect(dead.some((link) => !dead.includes(reverse(link)))).toBe(true);
    expect(faults.fired['one-way']).toBeGreaterThan(1);
  });

  it('clog holds a link back and then lets everything go, in its order', () => {
    const { arrivals, runTo, faults, sent } = world('clog');
    runTo(3_000);
    expect(deadLinks(arrivals, 3_000).length).toBeGreaterThan(0);
    expect(faults.fired.clog).toBeGreaterThan(1);
    faults.heal();
    runTo(3_100);
    expect(arrivals.length).toBeGreaterThanOrEqual(sent() - 20);
    const numbers = onLink(arrivals).map(numberOf);
    expect(numbers).toEqual([...numbers].sort((x, y) => x - y));
  });
});

describe('a fault of hosts', () => {
  it('pause stops a host for a while', () => {
    const { calls, runTo, faults } = world('pause');
    runTo(3_000);
    expect(calls.slice(0, 2).map((call) => call.split(' ')[0])).toEqual(['pause', 'resume']);
    expect(faults.fired.pause).toBeGreaterThan(0);
  });

  it.each([1, 2, 3, 4, 5, 6])('crash stops one host or more, but no quorum (seed %i)', (seed) => {
    const { calls, runTo, faults } = world('crash', seed);
    runTo(10_000);
    expect(new Set(calls).size).toBe(calls.length);
    expect(calls.length).toBeGreaterThanOrEqual(1);
    expect(calls.length).toBeLessThanOrEqual(2);
    expect(faults.fired.crash).toBe(calls.length);
  });

  it('skew changes the rate of a clock and sets it back; jump moves one forward only', () => {
    const skew = world('skew');
    skew.runTo(5_000);
    const rates = skew.calls.map((call) => Number(call.split(' ')[2]));
    expect(rates.filter((_, i) => i % 2 === 1).every((rate) => rate === 1)).toBe(true);
    expect(rates.every((rate) => rate >= 0.5 && rate <= 2)).toBe(true);
    const jump = world('jump');
    jump.runTo(5_000);
    expect(jump.calls.length).toBeGreaterThan(0);
    expect(jump.calls.every((call) => call.startsWith('jump') && Number(call.split(' ')[2]) > 0)).toBe(true);
  });
});

describe('healing', () => {
  it.each(faultNames.filter((name) => name !== 'stranger'))('ends %s: every datagram arrives once, soon', (name) => {
    const { arrivals, calls, faults, runTo, time } = world(name);
    runTo(1_500);
    faults.heal();
    const fired = { ...faults.fired };
    const after = calls.length;
    // What was on its way at the heal may take its time.
    runTo(2_500);
    const [fromMs, before] = [time.nowMs, arrivals.length];
    runTo(3_500);
    expect(arrivals.slice(before).length).toBeGreaterThanOrEqual(20 * 99);
    expect(new Set(arrivals.slice(before).map(numberOf)).size).toBe(arrivals.length - before);
    expect(arrivals.slice(before).every(({ atMs }) => atMs >= fromMs)).toBe(true);
    expect(faults.fired).toEqual(fired);
    expect(calls.length).toBe(after);
  });
});

describe('the swarm', () => {
  it('draws other faults for other seeds, and only those allowed', () => {
    const drawn = Array.from({ length: 50 }, (_, seed) => drawStrengths(new Random(seed), ['loss', 'crash']));
    expect(new Set(drawn.map(({ loss, crash: c }) => `${loss > 0} ${c > 0}`)).size).toBe(4);
    for (const strengths of drawn)
      for (const name of faultNames.slice(1)) if (name !== 'crash') expect(strengths[name]).toBe(0);
  });

  it('gives a fault the same strength whichever others are allowed', () => {
    const alone = drawStrengths(new Random(4), ['clog']).clog;
    expect(drawStrengths(new Random(4), faultNames).clog).toBe(alone);
  });
});

describe('the networks', () => {
  it('have ever more faults, and every fault is in one', () => {
    expect(faultsOf(ordered)).not.toContain('reorder');
    expect(faultsOf(crash)).toContain('crash');
    expect(new Set(networks.flatMap(faultsOf))).toEqual(new Set(faultNames));
  });

  it('say which faults a claim covers', () => {
    const claims = { safeUnder: networks, liveUnder: networks.filter((network) => !network.crashes) };
    expect(claimsLiveness(claims, ['loss', 'partition'])).toBe(true);
    expect(claimsLiveness(claims, ['loss', 'crash'])).toBe(false);
    expect(safeFaults({ ...claims, safeUnder: [ordered] }, ['loss', 'clog'])).toEqual(['clog']);
  });
});

describe('the gate of a host', () => {
  it('holds steps back in a pause, and lets them go at its end', () => {
    const gate = new HostGate();
    const steps: number[] = [];
    gate.pause();
    gate.pass(() => steps.push(1));
    expect([steps.length, gate.heldBack]).toEqual([0, true]);
    gate.resume();
    expect(steps).toEqual([1]);
  });

  it('lets nothing through after a crash, whatever comes', () => {
    const gate = new HostGate();
    const steps: number[] = [];
    gate.pause();
    gate.pass(() => steps.push(1));
    gate.crash();
    gate.resume();
    gate.pause();
    gate.pass(() => steps.push(2));
    gate.resume();
    expect([steps, gate.crashed]).toEqual([[], true]);
  });
});

describe('the clock of a host', () => {
  it('runs at its rate, jumps forward only, and takes its timers with it', () => {
    const time = new VirtualTime();
    const clock = new SimulatedClock(time, 100);
    const rung: number[] = [];
    clock.at(200, () => rung.push(time.nowMs));
    clock.at(500, () => rung.push(time.nowMs));
    clock.setRate(2);
    time.runNext();
    expect(rung).toEqual([50]);
    expect(clock.nowMs()).toBe(200);
    clock.jump(-1_000);
    expect(clock.nowMs()).toBe(200);
    clock.jump(1_000);
    expect(clock.nowMs()).toBe(1_200);
    time.runNext();
    expect(rung).toEqual([50, 50]);
  });

  it('shows every timer that it rings as due, at any rate', () => {
    const time = new VirtualTime();
    const random = new Random(5);
    const clock = new SimulatedClock(time, 7_777);
    for (let i = 0; i < 500; i++) {
      clock.setRate(random.between(0.5, 2));
      const dueMs = clock.nowMs() + random.int(1, 40);
      let shown = 0;
      clock.at(dueMs, () => {
        shown = clock.nowMs();
      });
      time.runNext();
      while (shown === 0) time.runNext();
      expect(shown).toBe(dueMs);
    }
  });

  it('does not ring a timer that was cancelled', () => {
    const time = new VirtualTime();
    const clock = new SimulatedClock(time, 0);
    clock.at(5, () => expect.unreachable())();
    clock.jump(10);
    expect(time.runNext()).toBe(false);
  });
});
