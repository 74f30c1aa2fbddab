/** What the clients of a simulated cluster asked and were told, in the words of the models of linearizability. */
import { codecOf } from '../../../src/network/message-codec.js';
import {
  type Call,
  type CallId,
  HistoryRecorder,
  type HistoryVerdict,
  judgeRecorded,
  type ModelName,
  type Result,
} from '../../../src/refinement/linearizability.js';
import type { ClientHistory } from '../../../src/refinement/simulation/simulated-system.js';
import type { EndPoint } from '../../../src/spec/endpoint.js';
import type { Packet } from '../../../src/spec/packet.js';
import { E } from '../../../src/spec/prelude.js';
import type { AnyApplication } from '../application.js';
import { counter, decodeCount } from '../applications/counter.js';
import { decodeReply, type KvCommand, type KvReply, kvCommand, stateKey } from '../applications/kv.js';
import type { RsmMessage } from '../messages.js';

/** An application as a model sees it. */
interface Recording {
  readonly model: ModelName;
  /** Undefined for a request that the application refuses, whoever sent it. */
  readonly call: (request: Uint8Array) => Call | undefined;
  readonly result: (call: Call, reply: Uint8Array) => Result;
}

const commandCodec = codecOf(kvCommand);

const kvCall = (command: KvCommand): Call => {
  const call = { op: command.tag, key: stateKey(command.key), args: [] };
  if (command.tag === 'set') return { ...call, args: [stateKey(command.value)] };
  if (command.tag !== 'cas') return call;
  return { ...call, args: [command.old === null ? null : stateKey(command.old), stateKey(command.new)] };
};

/** The kinds of replies that a command can have; an error that its command cannot have is told apart by the model. */
const replyTags: Readonly<Record<string, KvReply['tag']>> = {
  get: 'value',
  set: 'ok',
  del: 'done',
  cas: 'done',
  incr: 'number',
};

const kvResult = ({ op }: Call, bytes: Uint8Array): Result => {
  const decoded = decodeReply(bytes);
  if (E.isLeft(decoded)) return { error: 'UNREADABLE_REPLY' };
  const reply = decoded.right;
  if (reply.tag === 'error') return { error: reply.error };
  if (reply.tag !== replyTags[op]) return { error: `a reply of the kind "${reply.tag}"` };
  switch (reply.tag) {
    case 'value':
      return reply.value === null ? null : stateKey(reply.value);
    case 'done':
      return reply.done;
    case 'number':
      return reply.number;
    default:
      return null;
  }
};

/** The key-value application. */
const kvRecording: Recording = {
  model: 'kv',
  call: (request) => {
    const command = commandCodec.decode(request);
    return E.isLeft(command) ? undefined : kvCall(command.right);
  },
  result: kvResult,
};

/** The counter. */
const counterRecording: Recording = {
  model: 'counter',
  call: () => ({ op: 'increment', args: [] }),
  result: (_, reply) => {
    const count = decodeCount(reply);
    return E.isLeft(count) ? { error: 'UNREADABLE_REPLY' } : count.right;
  },
};

/** How the histories of clients of `app` are recorded. */
export const recordingOf = (app: AnyApplication): Recording =>
  app.name === counter.name ? counterRecording : kvRecording;

/** Records the requests of clients, and those of strangers, whose replies nobody sees. */
export class RsmClientHistory implements ClientHistory<RsmMessage> {
  readonly #recording: Recording;
  readonly #recorder: HistoryRecorder<Call, Result>;
  readonly #strangers = new Set<string>();
  /** Calls under way, by client. */
  readonly #open = new Map<EndPoint, CallId>();
  #nowMs = 0;

  constructor(recording: Recording) {
    this.#recording = recording;
    this.#recorder = new HistoryRecorder(() => this.#nowMs * 1e6);
  }

  /** A client sends `request` for the first time; the result takes its reply. */
  asked(client: EndPoint, request: Uint8Array, nowMs: number): (reply: Uint8Array, nowMs: number) => void {
    this.#nowMs = nowMs;
    const call = this.#recording.call(request);
    if (call === undefined) throw new Error('a simulated client sent what is no command');
    const id: CallId = this.#recorder.call(client, call);
    this.#open.set(client, id);
    return (reply, laterMs) => {
      this.#nowMs = laterMs;
      this.#open.delete(client);
      this.#recorder.returned(id, this.#recording.result(call, reply));
    };
  }

  /** Whether `request` is a command, which a client may ask. */
  isCommand(request: Uint8Array): boolean {
    return this.#recording.call(request) !== undefined;
  }

  /** A client waits no longer for the reply to its request under way, if there is one: it may still be executed. */
  gaveUp(client: EndPoint): void {
    const id = this.#open.get(client);
    if (id === undefined) return;
    this.#open.delete(client);
    this.#recorder.gaveUp(id);
  }

  strangerSent({ source, message }: Packet<RsmMessage>): void {
    if (message.tag !== 'request') return;
    // Sent again, it is still executed at most once.
    const request = `${source}#${message.seqno}`;
    const text = `${request} ${stateKey(message.value)}`;
    const call = this.#recording.call(message.value);
    if (call === undefined || this.#strangers.has(text)) return;
    this.#strangers.add(text);
    this.#recorder.call(`${request}#${this.#strangers.size}`, call);
  }

  /** One client, one answer after the other: what was set is not there, and a counter stands still. */
  spoil(): void {
    const told = (call: Call, result: Result): void => {
      this.#recorder.returned(this.#recorder.call('canary', call), result);
    };
    if (this.#recording.model === 'kv') {
      told({ op: 'set', key: 'canary', args: ['1'] }, null);
      told({ op: 'get', key: 'canary', args: [] }, null);
    } else for (const count of [1_000_000, 1_000_000]) told({ op: 'increment', args: [] }, count);
  }

  judge(): HistoryVerdict {
    return judgeRecorded(this.#recording.model, this.#recorder);
  }
}
