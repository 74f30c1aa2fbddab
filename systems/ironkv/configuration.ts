/** The constants of an IronKV cluster, known to every host and never changed while it runs. */
import type { EndPoint } from '../../src/spec/endpoint.js';
import { E } from '../../src/spec/prelude.js';
import { hostsMax, wireMax } from './messages.js';

/** Tunable numbers; every host of a cluster uses the same. */
export interface Parameters {
  /** Bytes of the longest key. */
  readonly keyBytesMax: number;
  /** Bytes of the longest value. */
  readonly valueBytesMax: number;
  /** Seqnos, counted from its floor, that a session may use: its requests outstanding, and the records kept for it. */
  readonly sessionWindowMax: number;
  /** Sessions that a host remembers before it lets the oldest expire. */
  readonly sessionsMax: number;
  /** Session numbers of each host that are announced at once: at the start, and further ones before these are used up. */
  readonly sessionsAnnounced: number;
  /** Sessions that one message between hosts tells of. */
  readonly sessionsPerMessageMax: number;
  /** Size of the pairs of one delegate; a larger single pair travels alone. */
  readonly delegateBytesMax: number;
  /** Pairs of one delegate. */
  readonly delegateKeysMax: number;
  /** How long a host that has sent a delegate waits before it sends the next, to whichever host. */
  readonly delegateRestMs: number;
  /** Messages that a host may have under way to another without an ack: the flow control of moves. */
  readonly deliveriesMax: number;
  /** Bytes of such messages from which on it sends no further piece of a move; a single message may exceed it. */
  readonly deliveryBytesMax: number;
  /** Bytes of such messages for which a host waits a millisecond longer before it sends any again: about what the network and the recipient take in one. */
  readonly deliveryBytesPerMs: number;
  /** Moves under way from one host. */
  readonly movesMax: number;
  /** How long an unacked message waits before it is sent again; doubled each time, up to `resendMsMax`. */
  readonly resendMs: number;
  readonly resendMsMax: number;
  /** Messages sent again to one host at a time: all, or those sent meanwhile come too early. */
  readonly resendMax: number;
  /** Ranges in one status. */
  readonly rangesPerStatusMax: number;
  /** How long a host counts requests for the load that it reports. */
  readonly loadPeriodMs: number;
  /** Packets that a host takes in one step. */
  readonly receiveMax: number;
  /** Bytes of the long values that a step's packets carry or ask for, after which it takes no further packet. */
  readonly stepBytesMax: number;
}

/** The defaults. A delegate is small and others follow after a rest, so that a move delays other requests little. */
export const defaultParameters: Parameters = {
  keyBytesMax: 4096,
  valueBytesMax: 1 << 24,
  sessionWindowMax: 256,
  sessionsMax: 16_384,
  sessionsAnnounced: 4096,
  sessionsPerMessageMax: 1024,
  delegateBytesMax: 32_768,
  delegateKeysMax: 24,
  delegateRestMs: 4,
  deliveriesMax: 8,
  deliveryBytesMax: 131_072,
  deliveryBytesPerMs: 4096,
  movesMax: 64,
  resendMs: 50,
  resendMsMax: 2000,
  resendMax: 8,
  rangesPerStatusMax: 256,
  loadPeriodMs: 1000,
  receiveMax: 256,
  stepBytesMax: 1 << 20,
};

/** What a configuration file may choose, both bounds allowed. A value must have room for any integer in decimal. */
export const parameterRanges: Readonly<Record<keyof Parameters, { readonly min: number; readonly max: number }>> = {
  keyBytesMax: { min: 1, max: 4096 },
  valueBytesMax: { min: 32, max: 1 << 24 },
  sessionWindowMax: { min: 1, max: 4096 },
  sessionsMax: { min: 8, max: 65_536 },
  sessionsAnnounced: { min: 1, max: 1 << 20 },
  sessionsPerMessageMax: { min: 1, max: 4096 },
  delegateBytesMax: { min: 1, max: 1 << 24 },
  delegateKeysMax: { min: 1, max: 65_536 },
  delegateRestMs: { min: 0, max: 60_000 },
  deliveriesMax: { min: 1, max: 1024 },
  deliveryBytesMax: { min: 1, max: 1 << 24 },
  deliveryBytesPerMs: { min: 1, max: 1 << 30 },
  movesMax: { min: 1, max: 1024 },
  resendMs: { min: 5, max: 60_000 },
  resendMsMax: { min: 5, max: 600_000 },
  resendMax: { min: 1, max: 1024 },
  rangesPerStatusMax: { min: 1, max: 4096 },
  loadPeriodMs: { min: 10, max: 3_600_000 },
  receiveMax: { min: 1, max: 65_536 },
  stepBytesMax: { min: 1, max: 1 << 30 },
};

/** The cluster as its hosts know it. */
export interface Configuration {
  /** A host's index is its place here. The first owns every key at the start. */
  readonly hosts: readonly EndPoint[];
  /** Who may move ranges, apart from hosts. */
  readonly administrators: readonly EndPoint[];
  readonly parameters: Parameters;
}

const mistakesInParameters = (chosen: Readonly<Record<string, number>>): readonly string[] => {
  const mistakes: string[] = [];
  for (const [name, value] of Object.entries(chosen)) {
    const range = Object.hasOwn(parameterRanges, name) ? parameterRanges[name as keyof Parameters] : undefined;
    if (range === undefined)
      mistakes.push(`unknown parameter "${name}": the known ones are ${Object.keys(parameterRanges).join(', ')}`);
    else if (!Number.isSafeInteger(value) || value < range.min || value > range.max) {
      mistakes.push(`${name} must be a whole number from ${range.min} to ${range.max}, and is ${value}`);
    }
  }
  const { keyBytesMax, rangesPerStatusMax, movesMax, resendMs, resendMsMax } = { ...defaultParameters, ...chosen };
  if (resendMs > resendMsMax) mistakes.push(`resendMs (${resendMs}) must not be above resendMsMax (${resendMsMax})`);
  // Two keys of a range, two of a move, and the cuts: a status must fit a message whatever the keys.
  const statusBytes = (2 * rangesPerStatusMax + 2 * movesMax + wireMax.cuts) * keyBytesMax;
  if (statusBytes > statusKeyBytesMax) {
    mistakes.push(
      `a status may hold ${statusBytes} bytes of keys, and must hold at most ${statusKeyBytesMax}: lower rangesPerStatusMax, movesMax or keyBytesMax`,
    );
  }
  const { sessionsPerMessageMax, sessionWindowMax } = { ...defaultParameters, ...chosen };
  // What a host tells another must fit a message even when every session has every seqno of its window outstanding.
  if (sessionsPerMessageMax * sessionWindowMax > recordsPerMessageMax) {
    mistakes.push(
      `sessionsPerMessageMax times sessionWindowMax is ${sessionsPerMessageMax * sessionWindowMax}, and must be at most ${recordsPerMessageMax}: lower one of them`,
    );
  }
  return mistakes;
};

/** Records in one message between hosts, at up to 14 bytes each. */
const recordsPerMessageMax = 1 << 19;

/** Bytes of keys in one status; the longest value has as many. */
const statusKeyBytesMax = 1 << 24;

/** Makes a configuration; `Left` has one sentence for each mistake. */
export const kvConfiguration = (
  hosts: readonly EndPoint[],
  administrators: readonly EndPoint[] = [],
  parameters: Readonly<Record<string, number>> = {},
): E.Either<readonly string[], Configuration> => {
  const mistakes = [...mistakesInParameters(parameters)];
  if (hosts.length < 1 || hosts.length > hostsMax) mistakes.push(`a cluster has 1 to ${hostsMax} hosts`);
  if (new Set(hosts).size !== hosts.length) mistakes.push('two hosts have one address: give each host its own');
  const both = administrators.filter((a) => hosts.includes(a));
  if (both.length > 0) mistakes.push(`${both.join(', ')} cannot be both a host and an administrator`);
  if (new Set(administrators).size !== administrators.length) mistakes.push('an administrator is named twice');
  if (mistakes.length > 0) return E.left(mistakes);
  return E.right({ hosts, administrators, parameters: { ...defaultParameters, ...parameters } });
};
