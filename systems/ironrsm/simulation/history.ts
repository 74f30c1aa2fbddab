/** What the clients of a simulated cluster asked and were told, in the words of the models of linearizability (counter, table). */
import {
  type Call,
  type CallId,
  HistoryRecorder,
  type HistoryVerdict,
  judgeRecorded,
  judgeRecordedBy,
  type Result,
  tableModelOf,
} from '../../../src/refinement/linearizability.js';
import type { ClientHistory } from '../../../src/refinement/simulation/simulated-system.js';
import { type Check, holds, violated } from '../../../src/spec/check.js';
import type { EndPoint } from '../../../src/spec/endpoint.js';
import { E, unreachable } from '../../../src/spec/prelude.js';
import type { AnyApplication } from '../application.js';
import { counter, decodeCount } from '../applications/counter.js';
import { stateKey } from '../applications/kv.js';
import {
  commandCodec,
  decodeReply,
  type KvCommand,
  type KvKeyCommand,
  type KvReply,
  valueBytesMax,
} from '../applications/kv-commands.js';
import type { Outcome } from '../client/outcome.js';
import { parted, type RsmMessage } from '../messages.js';

/** An application as a model sees it. */
interface Recording {
  readonly judge: (recorder: HistoryRecorder<Call, Result>) => HistoryVerdict;
  /** What a request asks, an operation of the model each; undefined for a request that the application refuses, whoever sent it. */
  readonly calls: (request: Uint8Array) => readonly Call[] | undefined;
  /** What a reply to such a request tells of each of its calls. */
  readonly results: (request: Uint8Array, reply: Uint8Array) => readonly Result[];
  /** Answers, one after the other, that no order explains. */
  readonly spoiled: readonly (readonly [Call, Result])[];
}

const keyCall = (command: KvKeyCommand): Call => {
  const key = stateKey(command.key);
  switch (command.tag) {
    case 'get':
    case 'length':
      return { op: command.tag, key, args: [] };
    case 'del':
      return { op: 'delete', key, args: [] };
    case 'set':
    case 'swap':
    case 'append':
      return { op: command.tag, key, args: [stateKey(command.value)] };
    case 'setIf':
      return { op: command.when === 'absent' ? 'setIfAbsent' : 'setIfPresent', key, args: [stateKey(command.value)] };
    case 'cas':
      return {
        op: 'compareAndSet',
        key,
        args: [command.old === null ? null : stateKey(command.old), stateKey(command.new)],
      };
    case 'incr':
      return { op: 'increment', key, args: [1] };
    case 'add':
      return { op: 'increment', key, args: [command.by] };
    default:
      return unreachable(command);
  }
};

/**
 * The model judges key by key, so that the commands of `all` are told apart: they share a call and a return, and what happens between
 * two of them is the judge's. It does not count keys.
 */
const kvCalls = (command: KvCommand): readonly Call[] => {
  if (command.tag === 'all') return command.commands.map(keyCall);
  return command.tag === 'size' ? [] : [keyCall(command)];
};

/** The kinds of replies that a command can have; an error that its command cannot have is told apart by the model. */
const replyTags: Readonly<Record<string, KvReply['tag']>> = {
  get: 'value',
  length: 'length',
  delete: 'done',
  set: 'ok',
  setIfAbsent: 'done',
  setIfPresent: 'done',
  swap: 'value',
  append: 'number',
  compareAndSet: 'done',
  increment: 'number',
};

const keyResult = ({ op }: Call, reply: KvReply): Result => {
  if (reply.tag === 'error') return { error: reply.error };
  if (reply.tag !== replyTags[op]) return { error: `a reply of the kind "${reply.tag}"` };
  switch (reply.tag) {
    case 'value':
      return reply.value === null ? null : stateKey(reply.value);
    case 'done':
      return reply.done;
    case 'number':
      return reply.number;
    case 'length':
      return reply.length;
    default:
      return true;
  }
};

const kvResults = (command: KvCommand, bytes: Uint8Array): readonly Result[] => {
  const calls = kvCalls(command);
  const decoded = decodeReply(bytes);
  if (E.isLeft(decoded)) return calls.map(() => ({ error: 'UNREADABLE_REPLY' }));
  const reply = decoded.right;
  if (command.tag !== 'all' || reply.tag === 'error') return calls.map((call) => keyResult(call, reply));
  const replies = reply.tag === 'all' ? reply.replies : [];
  return calls.map((call, i) => {
    const one = replies.length === calls.length ? replies[i] : undefined;
    return one === undefined ? { error: 'not a reply for each' } : keyResult(call, one);
  });
};

const kvCommandIn = (request: Uint8Array): KvCommand | undefined => {
  const command = commandCodec.decode(request);
  return E.isLeft(command) ? undefined : command.right;
};

/** The key-value application. */
const kvRecording: Recording = {
  judge: (recorder) => judgeRecordedBy(tableModelOf(valueBytesMax), recorder),
  calls: (request) => {
    const command = kvCommandIn(request);
    return command && kvCalls(command);
  },
  results: (request, reply) => {
    const command = kvCommandIn(request);
    return command === undefined ? [] : kvResults(command, reply);
  },
  spoiled: [
    [{ op: 'set', key: 'canary', args: ['1'] }, true],
    [{ op: 'get', key: 'canary', args: [] }, null],
  ],
};

const incrementCall: Call = { op: 'increment', args: [] };

/** The counter. */
const counterRecording: Recording = {
  judge: (recorder) => judgeRecorded('counter', recorder),
  calls: () => [incrementCall],
  results: (_, reply) => {
    const count = decodeCount(reply);
    return [E.isLeft(count) ? { error: 'UNREADABLE_REPLY' } : count.right];
  },
  spoiled: [
    [incrementCall, 1_000_000],
    [incrementCall, 1_000_000],
  ],
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
    const calls = this.#recording.calls(operation);
    if (calls === undefined) throw new Error('a simulated client sent what is no command');
    const ids = calls.map((call) => this.#called(client, call, nowMs));
    return {
      settled: (outcome, laterMs) => {
        this.#nowMs = laterMs;
        const results = outcome.tag === 'reply' ? this.#recording.results(operation, outcome.value) : [];
        for (const [i, id] of ids.entries()) {
          if (outcome.tag === 'reply') this.#recorder.returned(id, results[i] as Result);
          else if (outcome.error.known === 'unknown') this.#recorder.gaveUp(id);
          else this.#recorder.failed(id);
        }
      },
    };
  }

  /** Somebody who ignores replies is about to send a request with these operations, once or often: each is executed once or never. */
  mayAsk(client: EndPoint, value: Uint8Array, nowMs: number): void {
    for (const operation of parted(value)) {
      for (const call of this.#recording.calls(operation) ?? []) this.#called(client, call, nowMs);
    }
  }

  /** Whether `operation` is a command, which a client may ask. */
  isCommand(operation: Uint8Array): boolean {
    return this.#recording.calls(operation) !== undefined;
  }

  /** A stranger names no session that there is (`strangers`), so that nothing of it is executed. */
  strangerSent(): void {}

  /** One client, one answer after the other: what was set is not there, and a counter stands still. */
  spoil(): void {
    for (const [call, result] of this.#recording.spoiled)
      this.#recorder.returned(this.#recorder.call('canary', call), result);
  }

  judge(): HistoryVerdict {
    return this.#recording.judge(this.#recorder);
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
