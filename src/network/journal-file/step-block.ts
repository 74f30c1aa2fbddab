/** The body of a step's block: its records, each with its number and checksum (docs/audit.md). */
import type { EndPoint } from '../../spec/endpoint.js';
import { E } from '../../spec/prelude.js';
import { unpackEndPoint } from '../packed-endpoint.js';
import type { StepEvent, StepRecord } from '../step-io.js';
import {
  actionNumberBytes,
  checksumBytes,
  endPointBytes,
  recordChecksum,
  recordHeaderBytes,
  recordKinds,
  recordName,
} from './format.js';

/** Why a block cannot be read, and in which of its records the reason lies (`undefined`: in none). */
export interface BlockFault {
  readonly record: number | undefined;
  readonly why: string;
}

const fault = (record: number | undefined, why: string): E.Either<BlockFault, never> => E.left({ record, why });

/** The action records of a file by their numbers. */
export type ActionTable<W> = Map<number, W>;

interface Payload {
  readonly kind: number;
  readonly from: number;
  readonly to: number;
}

/** Reads the records of the block of `step` between `from` and `to`. Byte strings are views of `bytes`. */
export class StepBlock<W> {
  readonly #bytes: Buffer;
  readonly #step: number;
  readonly #actionOf: (text: string) => E.Either<string, W>;
  readonly #events: StepEvent[] = [];
  readonly #actions: W[] = [];
  /** The message of each record that has one, by the record's number. */
  readonly #messages: (Uint8Array | undefined)[] = [];

  constructor(bytes: Buffer, step: number, actionOf: (text: string) => E.Either<string, W>) {
    this.#bytes = bytes;
    this.#step = step;
    this.#actionOf = actionOf;
  }

  read(from: number, to: number, table: ActionTable<W>): E.Either<BlockFault, StepRecord<W>> {
    let at = from;
    for (let record = 0; at < to; record++) {
      const payload = this.#payload(record, at, to);
      if (E.isLeft(payload)) return payload;
      const why = this.#take(payload.right, record, table);
      if (why !== undefined) return fault(record, why);
      at = payload.right.to + checksumBytes;
    }
    return E.right({ step: this.#step, events: this.#events, actions: this.#actions, touches: [] });
  }

  #payload(record: number, at: number, to: number): E.Either<BlockFault, Payload> {
    const bytes = this.#bytes;
    const from = at + recordHeaderBytes;
    if (from + checksumBytes > to) return fault(record, 'the block ends in the middle of a record');
    const index = bytes.readUInt32BE(at + 1);
    const length = bytes.readUInt32BE(at + 5);
    const end = from + length;
    const whole = end + checksumBytes <= to;
    const intact = whole && bytes.readUInt32BE(end) === recordChecksum(bytes, at, end, this.#step);
    if (!intact) return fault(record, 'its checksum does not fit it');
    if (index > record) return fault(record, `it is missing: record ${index} follows`);
    if (index < record) return fault(record, `record ${index} stands in its place`);
    return E.right({ kind: bytes[at] as number, from, to: end });
  }

  /** Why the record makes no sense, if so. */
  #take({ kind, from, to }: Payload, record: number, table: ActionTable<W>): string | undefined {
    const bytes = this.#bytes;
    const length = to - from;
    switch (kind) {
      case recordKinds.receive:
        return this.#packet('receive', record, from, this.#view(from + endPointBytes, to), to);
      case recordKinds.send:
        return this.#packet('send', record, from, this.#view(from + endPointBytes, to), to);
      case recordKinds.sameSend:
        return this.#packet('send', record, from, this.#same(from + endPointBytes, to), to);
      case recordKinds.self:
        return this.#self(record, this.#view(from, to));
      case recordKinds.sameSelf:
        return this.#self(record, this.#same(from, to));
      case recordKinds.clock:
        if (length !== endPointBytes) return 'a clock reading has six bytes';
        this.#events.push({ tag: 'clock', timeMs: bytes.readUIntBE(from, endPointBytes) });
        return undefined;
      case recordKinds.timeout:
        this.#events.push({ tag: 'timeout' });
        return undefined;
      case recordKinds.action:
        return this.#define(from, to, table);
      case recordKinds.actions:
        return this.#act(from, to, table);
      default:
        return `its kind ${kind} is not known`;
    }
  }

  #view(from: number, to: number): Uint8Array {
    return new Uint8Array(this.#bytes.buffer, this.#bytes.byteOffset + from, Math.max(to - from, 0));
  }

  #same(from: number, to: number): Uint8Array | undefined {
    return to - from === 4 ? this.#messages[this.#bytes.readUInt32BE(from)] : undefined;
  }

  #packet(
    tag: 'receive' | 'send',
    record: number,
    from: number,
    message: Uint8Array | undefined,
    to: number,
  ): string | undefined {
    const other = to - from < endPointBytes ? undefined : unpackEndPoint(this.#bytes.readUIntBE(from, endPointBytes));
    if (other === undefined) return `a ${recordName(recordKinds[tag])} names no end point`;
    if (message === undefined) return 'it refers to a record that has no message';
    this.#messages[record] = message;
    this.#events.push(tag === 'receive' ? received(other, message) : { tag, target: other, bytes: message });
    return undefined;
  }

  #self(record: number, message: Uint8Array | undefined): string | undefined {
    if (message === undefined) return 'it refers to a record that has no message';
    this.#messages[record] = message;
    this.#events.push({ tag: 'self', bytes: message });
    return undefined;
  }

  #define(from: number, to: number, table: ActionTable<W>): string | undefined {
    if (to - from < actionNumberBytes) return 'an action has a number';
    const action = this.#actionOf(this.#bytes.toString('utf8', from + actionNumberBytes, to));
    if (E.isLeft(action)) return `an action cannot be read (${action.left})`;
    table.set(this.#bytes.readUInt32BE(from), action.right);
    return undefined;
  }

  #act(from: number, to: number, table: ActionTable<W>): string | undefined {
    for (let at = from; at + actionNumberBytes <= to; at += actionNumberBytes) {
      const number = this.#bytes.readUInt32BE(at);
      const action = table.get(number);
      if (action === undefined) return `the action ${number} was not written before`;
      this.#actions.push(action);
    }
    return undefined;
  }
}

const received = (source: EndPoint, bytes: Uint8Array): StepEvent => ({ tag: 'receive', source, bytes });
