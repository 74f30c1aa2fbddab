/** What a seed draws for an IronKV cluster: small bounds, keys that meet bounds, commands of every kind. */
import type { Random } from '../../../src/refinement/random.js';
import { bytesOfKey, type Command } from '../commands.js';
import { defaultParameters, type Parameters } from '../configuration.js';
import type { SessionHabits } from './client.js';

/** Small windows, pieces and memories, so that rare things happen within a short run. */
export const drawParameters = (random: Random): Parameters => ({
  ...defaultParameters,
  keyBytesMax: 8,
  valueBytesMax: random.pick([32, 40, 64]),
  sessionWindowMax: random.pick([1, 2, 4, 16]),
  sessionsMax: random.pick([2, 4, 8, 64, 64]),
  sessionsAnnounced: random.pick([1, 2, 8, 1 << 20]),
  sessionsPerMessageMax: random.pick([1, 2, 8, 64]),
  delegateBytesMax: random.pick([1, 50, 400, 32_768]),
  delegateKeysMax: random.pick([1, 2, 8, 256]),
  deliveriesMax: random.pick([1, 2, 8]),
  movesMax: random.pick([1, 2, 64]),
  resendMs: random.int(5, 60),
  resendMsMax: random.pick([60, 200, 400]),
  resendMax: random.pick([1, 4]),
  rangesPerStatusMax: random.pick([1, 4, 256]),
  loadPeriodMs: random.pick([10, 100, 1000]),
  receiveMax: random.pick([1, 4, 64]),
  delegateRestMs: random.pick([0, 2, 5]),
  deliveryBytesMax: random.pick([1, 60, 400, 32_768]),
  deliveryBytesPerMs: random.pick([4, 32, 4096]),
  stepBytesMax: random.pick([1, 16, 64, 1 << 20, 1 << 20]),
});

/** Of a session's users; more of them than the window has places, and timeouts that come, now and then. */
export const drawHabits = (random: Random, { sessionWindowMax }: Parameters, thinkMsMax: number): SessionHabits => ({
  ordered: random.chance(0.4),
  window: random.int(1, sessionWindowMax),
  users: random.pick([1, 1, 2, 4]),
  thinkMsMax,
  retryMs: random.int(10, 60),
  retryMsMax: random.int(60, 200),
  renewMs: random.pick([100, 500, 2_000, 60_000]),
  timeoutMs: random.pick([50, 150, 600, Infinity]),
  handOverShare: random.pick([0, 0, 0.05]),
});

/** Of a connection to a gateway: in order, several requests at once, and some given up in one of three. */
export const ofConnection = (
  habits: SessionHabits,
  { sessionWindowMax }: Parameters,
  random: Random,
): SessionHabits => ({
  ...habits,
  ordered: true,
  window: sessionWindowMax,
  users: 2 * habits.users,
  timeoutMs: random.chance(1 / 3) ? habits.timeoutMs : Infinity,
});

const numbered = (count: number): readonly string[] =>
  Array.from({ length: count }, (_, i) => `k${String(i).padStart(2, '0')}`);

/** Sets of keys: few, so that clients meet; many, so that moves have pieces; and neighbours in the order of bytes. */
const keySets: readonly (readonly string[])[] = [
  ['a', 'b', 'c'],
  ['', 'a', 'b', 'm', 'z'],
  numbered(12),
  numbered(60),
  ['a', 'a\x00', 'a\x00\x00', 'a\xff', 'a\xff\xff', 'b', '\xff\xff\xff\xff\xff\xff\xff\xff'],
];

/** The keys that clients use, and where administrators cut: at keys, right after them, and before all. */
export interface Keys {
  readonly keys: readonly string[];
  readonly bounds: readonly string[];
}

export const drawKeys = (random: Random): Keys => {
  const keys = random.pick(keySets);
  const few = keys.length > 20 ? keys.filter((_, i) => i % 7 === 0) : keys;
  const bounds = random.chance(0.7) ? [...few, ...few.map((key) => `${key}\x00`)] : few;
  return { keys, bounds: [...new Set(['', ...bounds])].filter((b) => b.length <= 8).sort() };
};

/** How often which commands are asked. */
const drawValue = (random: Random, valueBytesMax: number): Uint8Array => {
  if (random.chance(0.01)) return Buffer.alloc(valueBytesMax + 1, 'x');
  if (random.chance(0.1)) return Buffer.from(random.pick(['', 'x', '-0', '01', '9007199254740991']));
  return Buffer.from(String(random.int(0, 9)));
};

/** A source of commands on the keys. */
export const commandsOn = (keys: readonly string[], { valueBytesMax, keyBytesMax }: Parameters) => {
  const tooLong = 'x'.repeat(keyBytesMax + 1);
  return (random: Random): Command => {
    const key = bytesOfKey(random.chance(0.01) ? tooLong : random.pick(keys));
    const value = drawValue(random, valueBytesMax);
    switch (random.int(0, 11)) {
      case 0:
      case 1:
      case 2:
        return { tag: 'get', key };
      case 3:
        return { tag: 'length', key };
      case 4:
        return { tag: 'delete', key };
      case 5:
        return { tag: 'compareAndSet', key, old: random.chance(0.5) ? null : drawValue(random, 8), value };
      case 6:
        return { tag: 'append', key, value };
      case 7:
        return { tag: 'set', key, value, when: random.pick(['absent', 'present']) };
      case 8:
      case 9:
        return { tag: 'set', key, value, when: 'always' };
      default:
        return { tag: 'increment', key, by: random.pick([1, 1, -1, 10]) };
    }
  };
};
