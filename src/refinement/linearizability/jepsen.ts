/**
 * Histories of Jepsen (maps of extensible data notation, or the lines that `jepsen.util` logs) and Porcupine (such maps with a
 * `:key`). The order of events is that of the file.
 */
import { type Edn, ednText, readEdn } from './edn.js';
import type { RecordedHistory, RecordedOperation } from './history.js';
import { Unreadable } from './unreadable.js';
import { askingOps, type Call, type Value } from './value.js';

const types = ['invoke', 'ok', 'fail', 'info'] as const;

/** One event of a history. */
interface Event {
  readonly process: string;
  readonly type: (typeof types)[number];
  readonly f: string;
  readonly key: string | undefined;
  readonly value: Edn;
  readonly line: number;
}

const plainOf = (form: Edn): Value => {
  switch (form.tag) {
    case 'nil':
      return null;
    case 'boolean':
    case 'string':
      return form.value;
    case 'number':
      // A number that is not held exactly stays what was written.
      return Number.isSafeInteger(form.value) || /[.eE]/.test(form.text) ? form.value : form.text;
    default:
      return ednText(form);
  }
};

/** Operations of a store, which name a key. */
const keyed = new Set(['get', 'put', 'set', 'append', 'del', 'incr']);

const unkeyed = (event: Event): { readonly key: string | undefined; readonly value: Edn } => {
  const { key, value } = event;
  // Jepsen's independent keys are pairs of the key and the value.
  if (key !== undefined || !keyed.has(event.f) || value.tag !== 'vector' || value.items.length !== 2)
    return { key, value };
  const [first, second] = value.items as [Edn, Edn];
  return { key: String(plainOf(first)), value: second };
};

/** The call of an invocation. Its value is the argument, a pair of arguments, or nil for none. */
const callOf = (event: Event): Call => {
  const { key, value } = unkeyed(event);
  const named = key === undefined ? {} : { key };
  if (event.f === 'cas' && value.tag === 'vector') return { op: 'cas', ...named, args: value.items.map(plainOf) };
  // A counter's increment by a number is told by Jepsen as its value.
  if (event.f === 'increment' && value.tag === 'number') return { op: 'add', args: [plainOf(value)] };
  // In a history that Knossos completed the invocation has the answer too.
  if (askingOps.has(event.f)) return { op: event.f, ...named, args: [] };
  const takesNil = event.f === 'write';
  return { op: event.f, ...named, args: value.tag === 'nil' && !takesNil ? [] : [plainOf(value)] };
};

/** Puts events together to operations. */
class Assembly {
  readonly #operations: (RecordedOperation | undefined)[] = [];
  readonly #open = new Map<string, { readonly index: number; readonly event: Event }>();
  #time = 0;

  add(event: Event): void {
    const { process, type, line } = event;
    const open = this.#open.get(process);
    this.#time++;
    if (type === 'invoke') {
      if (open !== undefined)
        throw new Unreadable(
          line,
          `process ${process} calls again before its call of line ${open.event.line} returned`,
        );
      this.#open.set(process, { index: this.#operations.length, event });
      const call = callOf(event);
      this.#operations.push({ client: process, call, calledAt: this.#time, answer: undefined, line });
      return;
    }
    if (open === undefined) throw new Unreadable(line, `process ${process} returns without a call`);
    if (open.event.f !== event.f)
      throw new Unreadable(line, `process ${process} returns from ${event.f}, and had called ${open.event.f}`);
    this.#open.delete(process);
    if (type === 'fail') this.#operations[open.index] = undefined;
    if (type === 'ok') this.#answer(open.index, open.event, event);
  }

  end(): RecordedHistory {
    const operations = this.#operations.filter((o) => o !== undefined);
    const failed = this.#operations.length - operations.length;
    return { model: undefined, operations, failed, absentReadsEmpty: true };
  }

  #answer(index: number, asked: Event, event: Event): void {
    const operation = this.#operations[index] as RecordedOperation;
    const question = unkeyed(asked);
    const answer = unkeyed(event);
    if (question.key !== answer.key)
      throw new Unreadable(event.line, `the answer is about key ${answer.key}, and the call about ${question.key}`);
    // What merely repeats the arguments says that the call was done.
    const echo =
      !askingOps.has(event.f) && question.value.tag !== 'nil' && ednText(question.value) === ednText(answer.value);
    const result = echo ? null : plainOf(answer.value);
    this.#operations[index] = { ...operation, answer: { time: this.#time, result } };
  }
}

const fieldsOf = (form: Edn): ReadonlyMap<string, Edn> => {
  if (form.tag !== 'map') throw new Unreadable(form.line, 'a history is made of maps, and this is none');
  const fields = new Map<string, Edn>();
  for (const [key, value] of form.entries) if (key.tag === 'keyword') fields.set(key.name, value);
  return fields;
};

const isType = (name: string): name is Event['type'] => (types as readonly string[]).includes(name);

/** The event in a map; undefined for one of the nemesis, which is no client. */
const eventOf = (form: Edn): Event | undefined => {
  const fields = fieldsOf(form);
  const { line } = form;
  const field = (name: string): Edn => {
    const value = fields.get(name);
    if (value === undefined) throw new Unreadable(line, `the map has no :${name}`);
    return value;
  };
  const process = field('process');
  if (process.tag === 'keyword') return undefined;
  if (process.tag !== 'number') throw new Unreadable(line, `:process is a number, and not ${ednText(process)}`);
  const type = field('type');
  const f = field('f');
  if (type.tag !== 'keyword' || !isType(type.name))
    throw new Unreadable(line, `:type is :invoke, :ok, :fail or :info, and not ${ednText(type)}`);
  if (f.tag !== 'keyword') throw new Unreadable(line, `:f is a keyword, and not ${ednText(f)}`);
  const key = fields.get('key');
  return {
    process: process.text,
    type: type.name,
    f: f.name,
    key: key === undefined ? undefined : String(plainOf(key)),
    value: fields.get('value') ?? { tag: 'nil', line },
    line,
  };
};

/** Reads maps, one after the other or all in one vector; throws `Unreadable`. */
export const readEdnHistory = (text: string): RecordedHistory => {
  const forms = readEdn(text);
  const [first] = forms;
  const isSequence = forms.length === 1 && (first?.tag === 'vector' || first?.tag === 'list');
  const assembly = new Assembly();
  for (const form of isSequence ? first.items : forms) {
    const event = eventOf(form);
    if (event !== undefined) assembly.add(event);
  }
  return assembly.end();
};

/** What `jepsen.util` logs of an event, and any line that begins as one. */
const logLine = /\bjepsen\.util\s+-\s+(\S+)\s+:(invoke|ok|fail|info)\s+:(\S+)(?:\s+(.*))?$/;
const logLike = /\bjepsen\.util\s+-\s+\d/;

/** Whether `text` looks like a log of Jepsen's. */
export const isJepsenLog = (text: string): boolean => /\bjepsen\.util\s+-\s/.test(text);

/** Reads the lines of a log that `jepsen.util` wrote, and over all others; throws `Unreadable`. */
export const readJepsenLog = (text: string): RecordedHistory => {
  const assembly = new Assembly();
  const lines = text.split(/\r?\n/);
  for (const [i, content] of lines.entries()) {
    const line = i + 1;
    const match = logLine.exec(content);
    if (match === null) {
      if (logLike.test(content) || (line === lines.length && content.trim() !== ''))
        throw new Unreadable(line, 'the line is no event of jepsen.util; the file may be truncated');
      continue;
    }
    const [, process, type, f, rest] = match as unknown as [string, string, Event['type'], string, string | undefined];
    if (!/^\d+$/.test(process)) continue;
    const value = readEdn(rest ?? 'nil', line)[0] ?? { tag: 'nil', line };
    assembly.add({ process, type, f, key: undefined, value, line });
  }
  return assembly.end();
};
