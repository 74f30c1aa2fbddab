/** Asks hosts what they hold: their maps, page by page, and the load of the ranges that they own. */
import { randomInt } from 'node:crypto';
import { askAll } from '../../../src/host/ask-all.js';
import type { Transport } from '../../../src/network/transport.js';
import type { EndPoint } from '../../../src/spec/endpoint.js';
import { E } from '../../../src/spec/prelude.js';
import {
  type KvCounters,
  type KvMessage,
  kvCodec,
  type Message,
  type MoveStatus,
  type RangeStatus,
  wireMax,
} from '../messages.js';
import { type ClientOptions, openClientTransport } from './port.js';

/** What one host says of itself. */
export interface HostAnswer {
  /** Its whole map. Ranges with a load are its own; of the others it gives its opinion. */
  readonly ranges: readonly RangeStatus[];
  readonly moves: readonly MoveStatus[];
  readonly keys: number;
  readonly sessions: number;
  readonly counters: KvCounters;
}

/** A host, and its answer; `undefined` where it did not give one in time. */
export interface HostStatus {
  readonly address: EndPoint;
  readonly answer: HostAnswer | undefined;
}

const lowestKey = new Uint8Array();

const askPage = (
  transport: Transport<KvMessage>,
  targets: readonly EndPoint[],
  from: Uint8Array,
  timeoutMs: number,
): Promise<ReadonlyMap<EndPoint, Message<'status'>>> => {
  // Answers to earlier questions from the same port say nothing of now.
  const nonce = randomInt(wireMax.nonce);
  return askAll<KvMessage, Message<'status'>>(transport, kvCodec, {
    targets,
    message: { tag: 'statusRequest', nonce, from },
    answerIn: (message) => (message.tag === 'status' && message.nonce === nonce ? message : undefined),
    timeoutMs,
  });
};

/** Whether a host answers within `timeoutMs`. It is asked again and again until then, over a transport as of `statusOver`. */
export const doesAnswer = async (
  transport: Transport<KvMessage>,
  host: EndPoint,
  timeoutMs: number,
): Promise<boolean> => (await askPage(transport, [host], lowestKey, timeoutMs)).has(host);

/** The rest of a map whose first page came; `undefined` where the host fell silent. */
const wholeAnswer = async (
  transport: Transport<KvMessage>,
  address: EndPoint,
  first: Message<'status'>,
  timeoutMs: number,
): Promise<HostAnswer | undefined> => {
  const ranges = [...first.ranges];
  let page = first;
  while (page.next !== null) {
    const next = (await askPage(transport, [address], page.next, timeoutMs)).get(address);
    // Pages that do not go on would never end.
    if (next === undefined || (next.next !== null && Buffer.compare(next.next, page.next) <= 0)) return undefined;
    ranges.push(...next.ranges);
    page = next;
  }
  const { moves, keys, sessions, counters } = page;
  return { ranges, moves, keys, sessions, counters };
};

/** The answers of all `hosts`, in their order, over a transport whose messages nobody else takes meanwhile. Pages are not of one moment. */
export const statusOver = async (
  transport: Transport<KvMessage>,
  hosts: readonly EndPoint[],
  timeoutMs: number,
): Promise<readonly HostStatus[]> => {
  const firsts = await askPage(transport, hosts, lowestKey, timeoutMs);
  const statuses: HostStatus[] = [];
  for (const address of hosts) {
    const first = firsts.get(address);
    const answer = first === undefined ? undefined : await wholeAnswer(transport, address, first, timeoutMs);
    statuses.push({ address, answer });
  }
  return statuses;
};

/** The status of each host, in the order of `options.hosts`, as far as they answer within `timeoutMs`. `Left`: no socket. */
export const askStatus = async (
  options: ClientOptions,
  timeoutMs: number,
): Promise<E.Either<string, readonly HostStatus[]>> => {
  const opened = await openClientTransport(options);
  if (E.isLeft(opened)) return opened;
  const statuses = await statusOver(opened.right, options.hosts, timeoutMs);
  await opened.right.close();
  return E.right(statuses);
};
