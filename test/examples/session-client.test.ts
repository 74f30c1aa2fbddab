/** The example client in front of a server that counts, on a network that loses, repeats and reorders. */
import { describe, expect, it } from 'vitest';
import { CountClient, type CountMessage, type CountOutcome } from '../../examples/session-client.js';
import { Random } from '../../src/refinement/random.js';
import { endPoint } from '../../src/spec/endpoint.js';

const server = endPoint('10.0.0.1:7000');
const windowMax = 4;

/** Remembers `sessionsMax` sessions; of each, the counts at and above its floor. */
class CountServer {
  count = 0;
  readonly #sessionsMax: number;
  readonly #sessions = new Map<number, { floor: number; readonly counts: Map<number, number> }>();
  #nextSession = 1;

  constructor(sessionsMax: number) {
    this.#sessionsMax = sessionsMax;
  }

  answer(message: CountMessage): CountMessage | undefined {
    if (message.tag === 'open') {
      const session = this.#nextSession++;
      this.#sessions.set(session, { floor: 0, counts: new Map() });
      for (const old of this.#sessions.keys()) if (this.#sessions.size > this.#sessionsMax) this.#sessions.delete(old);
      return { tag: 'opened', nonce: message.nonce, session };
    }
    if (message.tag !== 'increment') return undefined;
    const { session, seqno, floor, by } = message;
    const state = this.#sessions.get(session);
    if (state === undefined) return { tag: 'expired', session };
    const { counts } = state;
    state.floor = Math.max(state.floor, floor);
    // An old copy of a request that is settled: its record is gone.
    if (seqno < state.floor) return undefined;
    for (const old of counts.keys()) if (old < floor) counts.delete(old);
    if (seqno >= floor + windowMax) throw new Error(`${seqno} is outside the window at ${floor}`);
    const known = counts.get(seqno);
    if (known !== undefined) return { tag: 'count', session, seqno, count: known };
    this.count += by;
    counts.set(seqno, this.count);
    return { tag: 'count', session, seqno, count: this.count };
  }
}

/** Clients and a server under virtual time until all is settled; a packet is lost, or comes twice, with `share` each. */
const run = (seed: number, share: number, sessionsMax: number, timeoutMs: number) => {
  const random = new Random(seed);
  const counting = new CountServer(sessionsMax);
  const travelling: { readonly atMs: number; readonly deliver: () => void }[] = [];
  const outcomes: CountOutcome[] = [];
  let nowMs = 0;
  const travel = (deliver: () => void): void => {
    const copies = random.chance(share) ? 0 : random.chance(share) ? 2 : 1;
    for (let i = 0; i < copies; i++) travelling.push({ atMs: nowMs + random.int(1, 30), deliver });
  };
  const clients = Array.from({ length: 3 }, (_, i): CountClient => {
    const send = (message: CountMessage): void =>
      travel(() => {
        const answer = counting.answer(message);
        if (answer !== undefined) travel(() => clients[i]?.onPacket(server, answer, nowMs));
      });
    const nonce = (): number => random.int(0, 2 ** 40);
    return new CountClient(
      { server, window: windowMax, retryMs: 40, retryMsMax: 200, random: () => random.next(), nonce },
      { send, settled: (_id, outcome) => void outcomes.push(outcome) },
    );
  });
  for (const client of clients) for (let n = 0; n < 20; n++) client.request(nowMs, 1, timeoutMs);
  for (; clients.some((client) => client.busy); nowMs++) {
    if (nowMs > 100_000) throw new Error('a client is not answered');
    for (const due of travelling.filter(({ atMs }) => atMs <= nowMs)) {
      travelling.splice(travelling.indexOf(due), 1);
      due.deliver();
    }
    for (const client of clients) if (client.wakeAtMs <= nowMs) client.onTime(nowMs);
  }
  return { counted: counting.count, outcomes, clients };
};

const countsOf = (outcomes: readonly CountOutcome[]): readonly number[] =>
  outcomes.flatMap((outcome) => (outcome.tag === 'count' ? [outcome.count] : []));

describe('a client of sessions that is made of the shared parts', () => {
  it.each([1, 2, 3, 4, 5])('has each increment executed once on a bad network (seed %i)', (seed) => {
    const { counted, outcomes } = run(seed, 0.2, 8, Infinity);
    expect(counted).toBe(60);
    expect(new Set(countsOf(outcomes)).size).toBe(60);
  });

  it.each([6, 7, 8])('says what is known where sessions expire and requests are given up (seed %i)', (seed) => {
    const { counted, outcomes } = run(seed, 0.3, 2, 300);
    const unknown = outcomes.filter((o) => o.tag === 'failed' && o.error.known === 'unknown').length;
    const counts = countsOf(outcomes);
    expect(outcomes).toHaveLength(60);
    expect(new Set(counts).size).toBe(counts.length);
    expect(counted).toBeGreaterThanOrEqual(counts.length);
    expect(counted).toBeLessThanOrEqual(counts.length + unknown);
    const tags = new Set(outcomes.map((o) => (o.tag === 'failed' ? o.error.tag : o.tag)));
    expect(tags).toEqual(new Set(['count', 'Timeout', 'SessionExpired']));
  });

  it('settles what waits when it is closed', () => {
    const outcomes: CountOutcome[] = [];
    const client = new CountClient(
      { server, window: 1, retryMs: 40, retryMsMax: 200, random: () => 0.5, nonce: () => 1 },
      { send: () => undefined, settled: (_, outcome) => void outcomes.push(outcome) },
    );
    client.request(0, 1, Infinity);
    client.onPacket(server, { tag: 'opened', nonce: 1, session: 5 }, 1);
    client.request(1, 1, Infinity);
    client.close();
    expect(outcomes).toMatchObject([
      { error: { tag: 'Closed', known: 'unknown' } },
      { error: { known: 'not executed' } },
    ]);
    expect(client.busy).toBe(false);
  });
});
