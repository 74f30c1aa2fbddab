/** What a seed draws of an IronRSM cluster: its parameters, and what its clients ask. */
import type { Random } from '../../../src/refinement/random.js';
import { encodeCommand } from '../applications/kv.js';
import { defaultParameters, type Parameters } from '../configuration.js';

const keys = ['a', 'b', 'c'].map((key) => Buffer.from(key));

/** Now and then a value takes several datagrams. */
const largeShare = 0.03;

/** Commands of the key-value application, of at most `requestBytesMax` bytes. */
export const kvCommands =
  (requestBytesMax: number) =>
  (random: Random): Uint8Array => {
    const key = random.pick(keys);
    const digit = Buffer.from(String(random.int(0, 9)));
    const value = random.chance(largeShare) ? Buffer.alloc(Math.floor(requestBytesMax * 0.8), digit) : digit;
    switch (random.int(0, 4)) {
      case 0:
        return encodeCommand({ tag: 'get', key });
      case 1:
        return encodeCommand({ tag: 'set', key, value });
      case 2:
        return encodeCommand({ tag: 'del', key });
      case 3:
        return encodeCommand({ tag: 'cas', key, old: random.chance(0.5) ? null : digit, new: Buffer.from('5') });
      default:
        return encodeCommand({ tag: 'incr', key });
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
