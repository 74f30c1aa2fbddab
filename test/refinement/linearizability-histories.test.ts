import { describe, expect, it } from 'vitest';
import {
  type Call,
  HistoryRecorder,
  type JudgedHistory,
  jsonHistory,
  judgeByName,
  judgeRecorded,
  type ModelName,
  type RecordedHistory,
  type Result,
  readHistory,
} from '../../src/refinement/linearizability.js';
import { E } from '../../src/spec/prelude.js';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

const historyIn = (text: string): RecordedHistory => {
  const history = readHistory(bytes(text));
  if (E.isLeft(history)) throw new Error(`line ${history.left.line}: ${history.left.why}`);
  return history.right;
};

const judged = (text: string, model: ModelName): JudgedHistory => {
  const result = judgeByName(model, historyIn(text), {});
  if (E.isLeft(result)) throw new Error(`line ${result.left.line}: ${result.left.why}`);
  return result.right;
};

const answerOf = (text: string, model: ModelName): string => judged(text, model).result.answer;

/** What is wrong with a history that cannot be read or judged, after its line. */
const refusal = (text: string | Uint8Array, model: ModelName = 'cas-register'): string => {
  const history = readHistory(typeof text === 'string' ? bytes(text) : text);
  if (E.isLeft(history)) return `${history.left.line ?? '-'}: ${history.left.why}`;
  const result = judgeByName(model, history.right, {});
  return E.isLeft(result) ? `${result.left.line ?? '-'}: ${result.left.why}` : `judged ${result.right.result.answer}`;
};

const edn = (process: number, type: string, f: string, value: string): string =>
  `{:process ${process}, :type :${type}, :f :${f}, :value ${value}, :index 7, :time 12345}`;

describe("Jepsen's maps", () => {
  const lines = [
    '; a comment',
    edn(0, 'invoke', 'write', '1'),
    edn(1, 'invoke', 'read', 'nil'),
    edn(1, 'ok', 'read', 'nil'),
    edn(0, 'ok', 'write', '1'),
    '{:process :nemesis, :type :info, :f :start, :value "cut #{n1 n2}"}',
    edn(1, 'invoke', 'cas', '[1 2]'),
    edn(1, 'ok', 'cas', '[1 2]'),
    edn(2, 'invoke', 'cas', '[2 3]'),
    edn(2, 'fail', 'cas', '[2 3]'),
    edn(3, 'invoke', 'write', '4'),
    edn(3, 'info', 'write', ':timed-out'),
    edn(0, 'invoke', 'read', 'nil'),
    edn(0, 'ok', 'read', '2'),
  ];

  it('are read one by one and in one vector, with tags, sets and other fields', () => {
    for (const text of [lines.join('\n'), `[${lines.join('\n')}]`, `#jepsen.history.Op ${lines.join('\r\n')}`]) {
      const { result, words } = judged(text, 'cas-register');
      expect(result).toMatchObject({ answer: 'linearizable', operations: 5 });
      expect(words).toEqual(['write(1) -> ok', 'read() -> nil', 'cas(1, 2) -> true', 'write(4) -> ?', 'read() -> 2']);
    }
  });

  it('are not linearizable where a read goes back', () => {
    const more = [...lines, edn(0, 'invoke', 'read', 'nil'), edn(0, 'ok', 'read', '1')];
    expect(answerOf(more.join('\n'), 'cas-register')).toBe('not');
    const late = [...lines, edn(0, 'invoke', 'read', 'nil'), edn(0, 'ok', 'read', '4')];
    expect(answerOf(late.join('\n'), 'cas-register')).toBe('linearizable');
  });

  it('may hold values of any kind, and reads that were completed', () => {
    const value = '#{[1 "a\\n\\u0041"] :kw {:k 2.5}}';
    const text = [
      edn(0, 'invoke', 'write', value),
      edn(0, 'ok', 'write', value),
      edn(0, 'invoke', 'read', value),
      edn(0, 'ok', 'read', '#{:kw {:k 2.5} [1 "a\\nA"]}'),
    ];
    expect(answerOf(text.join('\n'), 'register')).toBe('linearizable');
  });

  it('are read for queues, locks and counters too', () => {
    const pair = (f: string, asked: string, told = asked): string =>
      `${edn(0, 'invoke', f, asked)} ${edn(0, 'ok', f, told)}`;
    expect(answerOf(`${pair('enqueue', '1')} ${pair('dequeue', 'nil', '1')}`, 'queue')).toBe('linearizable');
    expect(answerOf(`${pair('enqueue', '1')} ${pair('dequeue', 'nil')}`, 'queue')).toBe('not');
    expect(answerOf(`${pair('acquire', 'nil')} ${pair('release', 'nil')}`, 'lock')).toBe('linearizable');
    expect(answerOf(`${pair('acquire', 'nil')} ${pair('acquire', 'nil')}`, 'lock')).toBe('not');
    expect(answerOf(`${pair('increment', 'nil', '1')} ${pair('read', 'nil', '1')}`, 'counter')).toBe('linearizable');
    expect(answerOf(`${pair('add', '5')} ${pair('read', 'nil', '4')}`, 'counter')).toBe('not');
  });
});

describe("Jepsen's log lines", () => {
  const log = [
    'INFO  jepsen.core - Setting up database',
    'INFO  jepsen.util - 3 :invoke :cas [1 2]',
    '2026-01-01 10:00:00,000 INFO  jepsen.util - 1\t:invoke\t:write\t1',
    'INFO  jepsen.util - 1\t:ok\t:write\t1',
    'INFO  jepsen.util - 3 :info :cas :timed-out',
    'INFO  jepsen.util - :nemesis :info :start nil',
    'INFO  jepsen.util - 1\t:invoke\t:read\tnil',
    'INFO  jepsen.util - 1\t:ok\t:read\t2',
  ];

  it('are read over all other lines; what timed out may have happened', () => {
    expect(judged(log.join('\n'), 'cas-register')).toMatchObject({
      result: { answer: 'linearizable', operations: 3 },
      words: ['cas(1, 2) -> ?', 'write(1) -> ok', 'read() -> 2'],
    });
    const never = log.filter((line) => !/:cas/.test(line));
    expect(answerOf(never.join('\n'), 'cas-register')).toBe('not');
  });

  it('are refused where they are cut off', () => {
    expect(refusal([...log, 'INFO  jepsen.util - 1 :inv'].join('\n'))).toMatch(/^9: .*truncated/);
    expect(refusal([...log, 'INFO  jepsen.util - 1 :invoke :cas [1'].join('\n'))).toMatch(/^9: .*truncated/);
    expect(refusal([...log, 'INFO  jep'].join('\n'))).toMatch(/^9: .*truncated/);
  });
});

describe("Porcupine's key-value files", () => {
  const event = (process: number, type: string, f: string, key: string, value: string): string =>
    `{:process ${process}, :type :${type}, :f :${f}, :key "${key}", :value ${value}}`;
  const pair = (f: string, key: string, asked: string, told: string): string =>
    `${event(0, 'invoke', f, key, asked)}\n${event(0, 'ok', f, key, told)}`;

  it('read an absent key as the empty string, and append to it', () => {
    const text = [
      pair('get', '1', 'nil', '""'),
      pair('append', '1', '"x"', '"x"'),
      pair('append', '1', '"y"', '"y"'),
      pair('get', '1', 'nil', '"xy"'),
      pair('put', '1', '"z"', '"z"'),
      pair('get', '2', 'nil', '""'),
      pair('get', '1', 'nil', '"z"'),
    ];
    expect(answerOf(text.join('\n'), 'kv')).toBe('linearizable');
    expect(answerOf([...text, pair('get', '1', 'nil', '"xyz"')].join('\n'), 'kv')).toBe('not');
  });

  it('are refused where an answer is about another key', () => {
    const text = `${event(0, 'invoke', 'get', '1', 'nil')}\n${event(0, 'ok', 'get', '2', '""')}`;
    expect(refusal(text, 'kv')).toBe('2: the answer is about key 2, and the call about 1');
  });
});

describe('histories in maps and log lines that cannot be read', () => {
  const invoke = edn(0, 'invoke', 'read', 'nil');
  it.each([
    ['is empty', '', '-: the file is empty'],
    ['is empty but for blanks', ' \n ', '-: the file is empty'],
    ['holds no operations', '[]', '-: the history holds no operations'],
    ['is cut off in a map', `${invoke}\n{:process 0, :type`, '2: the "{" is never closed; the file may be truncated'],
    ['is cut off in a string', `${invoke}\n{:process "0`, '2: the string is never closed; the file may be truncated'],
    ['is cut off in a vector', `[${invoke}\n`, '1: the "[" is never closed; the file may be truncated'],
    ['has a bracket too many', `${invoke}}`, '1: "}" stands where a value should'],
    ['has a key without a value', '{:process}', '1: the map has a key without a value'],
    ['has an unknown escape', '{:process "\\q"}', '1: a string has the unknown escape "\\q"'],
    ['is nested without end', '{'.repeat(1e5), '1: brackets are nested more than 64 deep'],
    ['holds something else', `${invoke}\n42`, '2: a history is made of maps, and this is none'],
    ['lacks a field', '{:type :invoke, :f :read}', '1: the map has no :process'],
    ['has a foreign type', `${invoke}\n${edn(0, 'maybe', 'read', 'nil')}`, /^2: :type is :invoke, .* not :maybe$/],
    ['returns without a call', `\n${edn(4, 'ok', 'read', '1')}`, '2: process 4 returns without a call'],
    ['calls twice', `${invoke}\n${invoke}`, '2: process 0 calls again before its call of line 1 returned'],
    ['returns from another', `${invoke}\n${edn(0, 'ok', 'write', '1')}`, /^2: process 0 returns from write/],
    ['is a text', 'Dear Sir or Madam', /^1: the file is neither/],
    ['is another log', 'INFO jepsen.core - hello\n', /^1: the file is neither/],
    [
      'asks what the model does not know',
      edn(0, 'invoke', 'enqueue', '1'),
      /^1: the model cas-register knows read, wr/,
    ],
    ['gives too many arguments', edn(0, 'invoke', 'cas', '[1 2 3]'), '1: cas takes 2 arguments, and not 3'],
  ])('one that %s', (_, text, why) => {
    if (typeof why === 'string') expect(refusal(text)).toBe(why);
    else expect(refusal(text)).toMatch(why);
  });

  it('one that is no text', () => {
    expect(refusal(Uint8Array.from([0xff, 0xfe, 0, 1]))).toBe('-: the file is no text');
  });
});

describe("Ironkeel's JSON", () => {
  const file = (operations: string, more = '"version": 1'): string =>
    `{ "format": "ironkeel-history", ${more}, "operations": [\n${operations}\n] }`;
  const set =
    '{"client":"a","op":"set","key":"x","args":["[{\\"1"],"call":1,"return":2,"outcome":"ok","note":[{"a":1}]}';
  const get = '{"client":"b","op":"get","key":"x","call":3,"return":4,"outcome":"ok","result":"[{\\"1"}';

  it('is read, whatever the order of its operations', () => {
    expect(answerOf(file(`${get},\n${set}`), 'kv')).toBe('linearizable');
    const failed = set.replace('"outcome":"ok"', '"outcome":"fail"');
    expect(answerOf(file(`${failed},\n${get}`), 'kv')).toBe('not');
    const unknown = set.replace('"return":2,"outcome":"ok"', '"return":null,"outcome":"unknown"');
    expect(answerOf(file(`${unknown},\n${get}`), 'kv')).toBe('linearizable');
  });

  it.each([
    ['is cut off', file(set).slice(0, -30), /^2: the file is truncated or not JSON/],
    ['is broken in the middle', file(`${set}\n${get}`), /^3: the file is truncated or not JSON/],
    ['is foreign', '{"name": "ironkeel"}', '1: the file is JSON, and not of the format "ironkeel-history"'],
    ['is a list', '[1, 2]', '1: the file is JSON, and not of the format "ironkeel-history"'],
    ['is of another version', file(set, '"version": 2'), /^1: the file is of version 2/],
    ['is of no version', file(set, '"model": "kv"'), /^1: the file is of version undefined/],
    ['has no operations', file(''), '-: the history holds no operations'],
    ['has no list', '{"format":"ironkeel-history","version":1}', '1: "operations" is a list'],
    ['names no client', file(`${set},\n{"op":"get","call":1}`), '3: an operation names its client'],
    ['has no time', file('{"client":1,"op":"get"}'), '2: "call" is the time of the call'],
    [
      'returns before its call',
      file(get.replace('"return":4', '"return":2')),
      /^2: the operation returns at 2, before/,
    ],
    ['is ok and never returned', file(get.replace('"return":4', '"return":null')), /^2: .* ok has a time of return$/],
    ['has another outcome', file(get.replace('ok', 'fine')), '2: "outcome" is ok, fail or unknown'],
    ['has another result', file(get.replace('"[{\\"1"', '[]')), /^2: "result" is/],
    ['lacks a key', file(get.replace('"key":"x",', '')), '2: get needs a key'],
    [
      'is asked for another model',
      file('{"client":"a","op":"pop","call":1,"outcome":"unknown"}'),
      /^2: the model kv knows/,
    ],
    ['calls twice', file(`${set},\n${set}`), '3: client a calls again before its call of line 2 returned'],
    [
      'calls after one that never returned',
      file(`${set.replace('"return":2,"outcome":"ok"', '"outcome":"unknown"')},\n${get.replace('"b"', '"a"')}`),
      '3: client a calls again before its call of line 2 returned',
    ],
  ])('is refused where it %s', (_, text, why) => {
    if (typeof why === 'string') expect(refusal(text, 'kv')).toBe(why);
    else expect(refusal(text, 'kv')).toMatch(why);
  });
});

describe('a recorder', () => {
  const call = (op: string, ...args: readonly string[]): Call => ({ op, key: 'x', args });

  it('keeps the order of events of one time, and writes what lincheck reads', () => {
    const recorder = new HistoryRecorder<Call, Result>(() => 7);
    const set = recorder.call('a', call('set', '1'));
    recorder.returned(set, null);
    const gaveUp = recorder.call('a', call('set', '2'));
    recorder.gaveUp(gaveUp);
    const failed = recorder.call('a', call('set', '3'));
    const never = recorder.call('b', call('incr'));
    recorder.failed(failed);
    recorder.returned(recorder.call('c', call('get')), '2');
    const text = jsonHistory(recorder, 'kv');
    const history = historyIn(text);
    expect(history).toMatchObject({ model: 'kv', failed: 1 });
    expect(history.operations.map((o) => [o.client, o.calledAt, o.answer?.time, o.line])).toEqual([
      ['a', 7, 8, 2],
      ['a', 9, undefined, 3],
      ['b', 12, undefined, 5],
      ['c', 14, 15, 6],
    ]);
    expect(answerOf(text, 'kv')).toBe('linearizable');
    expect(judgeRecorded('kv', recorder)).toMatchObject({ answer: 'linearizable' });
    expect(() => recorder.returned(never, 1)).not.toThrow();
    expect(() => recorder.returned(never, 1)).toThrow('not under way');
  });

  it('refuses a second call of a client that waits', () => {
    const recorder = new HistoryRecorder<Call, Result>(() => 0);
    recorder.call('a', call('get'));
    expect(() => recorder.call('a', call('get'))).toThrow('client a has a call under way');
  });

  it('gives a violation with a picture, or with what answer makes no sense', () => {
    const stale = new HistoryRecorder<Call, Result>(() => 0);
    stale.returned(stale.call('a', call('set', '1')), null);
    stale.returned(stale.call('b', call('get')), null);
    expect(judgeRecorded('kv', stale)).toMatchObject({
      answer: 'not',
      violation: { code: 'NOT_LINEARIZABLE', evidence: { part: 'x', operation: 'get(x) -> nil', client: 'b' } },
    });
    const foreign = new HistoryRecorder<Call, Result>(() => 0);
    foreign.returned(foreign.call('a', call('get')), { error: 'a reply to something else' });
    expect(judgeRecorded('kv', foreign)).toMatchObject({
      answer: 'not',
      violation: { evidence: { why: 'get cannot be answered with an error' } },
    });
  });
});
