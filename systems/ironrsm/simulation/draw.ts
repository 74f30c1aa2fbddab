/** What a seed draws of an IronRSM cluster: its parameters, and what its clients ask. */
import type { Random } from '../../../src/refinement/random.js';
import { encodeCommand, type KvCommand, type KvKeyCommand } from '../applications/kv-commands.js';
import { defaultParameters, type Parameters } from '../configuration.js';

const keys = ['a', 'b', 'c'].map((key) => Buffer.from(key));

/** The byte of the digit 0. */
const zero = 0x30;

/** Now and then a value takes several datagrams. */
const largeShare = 0.03;

/** Commands of the key-value application, of at most `requestBytesMax` bytes. The digit says which of several like ones it is. */
export const kvCommands =
  (requestBytesMax: number) =>
  (random: Random): Uint8Array => {
    const key = random.pick(keys);
    const digit = Buffer.from(String(random.int(0, 9)));
    const value = random.chance(largeShare) ? Buffer.alloc(Math.floor(requestBytesMax * 0.8), digit) : digit;
    const kind = (digit[0] as number) - zero;
    switch (random.int(0, 4)) {
      case 0:
        return encodeCommand(reading(key, kind));
      case 1:
        return encodeCommand(storing(key, value, kind));
      case 2:
        return encodeCommand(
          kind === 0 ? all({ tag: 'del', key }, { tag: 'incr', key: otherThan(key) }) : { tag: 'del', key },
        );
      case 3:
        return encodeCommand({ tag: 'cas', key, old: random.chance(0.5) ? null : digit, new: Buffer.from('5') });
      default:
        return encodeCommand(kind === 0 ? { tag: 'add', key, by: -7 } : { tag: 'incr', key });
    }
  };

const otherThan = (key: Uint8Array): Uint8Array => (key === keys[0] ? keys[1] : keys[0]) as Uint8Array;

const all = (...commands: readonly KvKeyCommand[]): KvCommand => ({ tag: 'all', commands });

const reading = (key: Uint8Array, kind: number): KvCommand => {
  if (kind === 0) return { tag: 'length', key };
  return kind === 1 ? all({ tag: 'get', key }, { tag: 'get', key: otherThan(key) }) : { tag: 'get', key };
};

const storing = (key: Uint8Array, value: Uint8Array, kind: number): KvCommand => {
  switch (kind) {
    case 0:
      return { tag: 'setIf', key, value, when: 'absent' };
    case 1:
      return { tag: 'setIf', key, value, when: 'present' };
    case 2:
      return { tag: 'swap', key, value };
    case 3:
      return { tag: 'append', key, value };
    case 4:
      return all(
        { tag: 'set', key, value: Buffer.from('3') },
        { tag: 'set', key: otherThan(key), value: Buffer.from('4') },
      );
    default:
      return { tag: 'set', key, value };
  }
};

/** A request to the counter. Two of them are told apart by their bytes, so that a seqno can be used twice. */
export const increment = (random: Random): Uint8Array => Uint8Array.of(random.int(0, 255));

/** Small bounds, so that whatever is bounded is full within a short run: logs, sessions, windows, replies, pieces of states; and timeouts that come. */
export const drawParameters = (random: Random): Parameters => ({
  ...defaultParameters,
  logLengthMax: random.pick([4, 8, 32, 1024]),
  voteBytesMax: random.pick([400, 1 << 26]),
  batchRequestsMax: random.pick([1, 2, 8]),
  batchBytesMax: random.pick([100, 1 << 18]),
  requestBytesMax: random.pick([64, 256, 8_000]),
  requestsHeldMax: random.pick([8, 64, 65_536]),
  sessionsMax: random.pick([2, 4, 8, 64]),
  sessionWindow: random.pick([1, 2, 8, 64]),
  replyBytesMax: random.pick([40, 400, 1 << 26]),
  pipelineMax: random.pick([1, 2, 4]),
  receiveMax: random.pick([1, 4, 64]),
  resendOpsMax: random.pick([1, 4, 16]),
  retainOpsMax: random.pick([1, 8, 1024]),
  retainBytesMax: random.pick([500, 1 << 25]),
  catchUpOpsMax: random.pick([1, 4, 64]),
  catchUpBytesMax: random.pick([200, 1 << 18]),
  pieceBytesMax: random.pick([24, 200, 1 << 17]),
  // While a replica asks a supplier that crashed, nothing is executed where the log is full; epochs as short as here go by meanwhile.
  transferTriesMax: random.pick([1, 8]),
  heartbeatPeriodMs: random.int(20, 60),
  quietHeartbeatPeriodMs: random.pick([20, 100, 500]),
  viewTimeoutMs: random.chance(0.5) ? random.int(15, 60) : random.int(60, 300),
  // A low bound makes storms of view changes, in which ballots meet half done.
  viewTimeoutMsMax: random.pick([60, 300, 2_000]),
  retransmitPeriodMs: random.int(30, 100),
  retransmitPeriodMsMax: random.pick([100, 400]),
});
