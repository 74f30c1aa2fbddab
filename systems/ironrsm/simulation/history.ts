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
import { type Check, holds, violated } from '../../../src/spec/check.js';
import type { EndPoint } from '../../../src/spec/endpoint.js';
import { E } from '../../../src/spec/prelude.js';
import type { AnyApplication } from '../application.js';
import { counter, decodeCount } from '../applications/counter.js';
import { decodeReply, type KvCommand, type KvReply, kvCommand, stateKey } from '../applications/kv.js';
import type { Outcome } from '../client/outcome.js';
import { parted, type RsmMessage } from '../messages.js';

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

/** A request under way. */
export interface Asked {
  /** How it ended for its client. */
  settled(outcome: Outcome, nowMs: number): void;
}

const countRule =
  'the counter stands at the increments acknowledged, and at most as many more as have unknown outcomes';

/** Records the requests of clients, and those of which nobody sees the replies. */
export class RsmClientHistory implements ClientHistory<RsmMessage> {
  readonly #recording: Recording;
  readonly #recorder: HistoryRecorder<Call, Result>;
  #requests = 0;
  #nowMs = 0;

  constructor(recording: Recording) {
    this.#recording = recording;
    this.#recorder = new HistoryRecorder(() => this.#nowMs * 1e6);
  }

  /** A client is about to ask for `operation`, which it has executed at most once. */
  asked(client: EndPoint, operation: Uint8Array, nowMs: number): Asked {
    const call = this.#recording.call(operation);
    if (call === undefined) throw new Error('a simulated client sent what is no command');
    const id = this.#called(client, call, nowMs);
    return {
      settled: (outcome, laterMs) => {
        this.#nowMs = laterMs;
        if (outcome.tag === 'reply') this.#recorder.returned(id, this.#recording.result(call, outcome.value));
        else if (outcome.error.known === 'unknown') this.#recorder.gaveUp(id);
        else this.#recorder.failed(id);
      },
    };
  }

  /** Somebody who ignores replies is about to send a request with these operations, once or often: each is executed once or never. */
  mayAsk(client: EndPoint, value: Uint8Array, nowMs: number): void {
    for (const operation of parted(value)) {
      const call = this.#recording.call(operation);
      if (call !== undefined) this.#called(client, call, nowMs);
    }
  }

  /** Whether `operation` is a command, which a client may ask. */
  isCommand(operation: Uint8Array): boolean {
    return this.#recording.call(operation) !== undefined;
  }

  /** A stranger names no session that there is (`strangers`), so that nothing of it is executed. */
  strangerSent(): void {}

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

  /** Whether a counter that stands at `count` is exact, once nothing of the clients is under way. */
  counted(count: number): Check {
    const recorded = this.#recorder.recorded();
    const acknowledgements = recorded.filter(({ outcome }) => outcome === 'ok').map(({ output }) => output);
    const acknowledged = acknowledgements.length;
    // Each increment has a number of its own.
    const distinct = new Set(acknowledgements).size;
    const unknown = recorded.filter(({ outcome }) => outcome === 'unknown').length;
    if (distinct === acknowledged && acknowledged <= count && count <= acknowledged + unknown) return holds;
    return violated('COUNT_NOT_EXACT', countRule, { count, acknowledged, distinct, unknown });
  }

  /** Each request is a client of its own: sessions have several outstanding, and the outcome of some is never known. */
  #called(client: EndPoint, call: Call, nowMs: number): CallId {
    this.#nowMs = nowMs;
    return this.#recorder.call(`${client}#${++this.#requests}`, call);
  }
}
