/**
 * Executions in the Informal Trace Format of Apalache and Quint (Apalache's ADR-015): one state after each host step, integers as
 * `#bigint`, maps and tuples tagged. Bytes are hexadecimal strings; what is absent is `None`.
 */
import type { Packet } from '../../spec/packet.js';
import type { ShownExecutedStep, ShownExecution } from '../schedule/counterexamples.js';
import { kindOf } from '../values/kind.js';

const none = { tag: 'None', value: { '#tup': [] } };

const some = (value: unknown): unknown => ({ tag: 'Some', value });

/** A value of a protocol in ITF. */
export const toItf = (value: unknown): unknown => {
  const v = kindOf(value);
  switch (v.kind) {
    case 'primitive':
      return primitive(v.value);
    case 'bytes':
      return Buffer.from(v.value).toString('hex');
    case 'array':
      return v.value.map(toItf);
    case 'map':
      return { '#map': Array.from(v.value, ([key, item]) => [toItf(key), toItf(item)]) };
    case 'object':
      // A field that starts with # would be taken for one of the format's own tags.
      return Object.fromEntries(
        Object.entries(v.value).map(([key, item]) => [key.startsWith('#') ? `_${key}` : key, toItf(item)]),
      );
  }
};

const primitive = (value: unknown): unknown => {
  if (value === undefined || value === null) return none;
  if (typeof value === 'bigint' || Number.isInteger(value)) return { '#bigint': String(value) };
  // The format has no other numbers.
  return typeof value === 'number' ? String(value) : value;
};

/** The variables of every state, in the order of the file. */
const vars = ['hosts', 'spec', 'sent', 'received', 'node', 'clock', 'violation'] as const;

/** The text of an ITF file; `source` names where the execution comes from. */
export const itfOf = (execution: ShownExecution, source: string): string => {
  const { system, initial, initialSpec, steps, found, window } = execution;
  const hosts = new Map(initial);
  const violation = found === undefined ? none : some({ code: found.code, rule: found.rule, check: found.check });
  const state = (index: number, action: string, step: ShownExecutedStep | undefined, fails: boolean): unknown => ({
    '#meta': { index },
    'mbt::actionTaken': action,
    'mbt::nondetPicks': {
      node: step === undefined ? none : some(step.scheduled.node),
      clock: step === undefined ? none : some(toItf(step.scheduled.timeMs)),
    },
    hosts: { '#map': Array.from(hosts, ([me, s]) => [me, toItf(s)]) },
    spec: toItf(step === undefined ? initialSpec : step.spec),
    sent: { '#set': step === undefined ? [] : sentIn(step).map(toItf) },
    received: step === undefined ? [] : receivedIn(step, execution),
    node: step === undefined ? none : some(step.scheduled.node),
    clock: step === undefined ? none : some(toItf(step.scheduled.timeMs)),
    violation: fails ? violation : none,
  });
  const states = [state(0, 'init', undefined, found !== undefined && steps.length === 0)];
  for (const [i, step] of steps.entries()) {
    if (!ofClient(step)) hosts.set(step.scheduled.node, step.after);
    const last = i === steps.length - 1;
    states.push(state(i + 1, actionOf(step), step, last && found !== undefined));
  }
  const meta = {
    format: 'ITF',
    'format-description': 'https://apalache-mc.org/docs/adr/015adr-trace.html',
    source,
    description: `a counterexample of ${system}${found === undefined ? '' : `: ${found.rule}`}${windowWords(window, steps.length)}`,
    status: found === undefined ? 'ok' : 'violation',
  };
  return `{\n "#meta": ${JSON.stringify(meta)},\n "vars": ${JSON.stringify(vars)},\n "states": [\n${states.map((s) => `  ${JSON.stringify(s)}`).join(',\n')}\n ]\n}\n`;
};

/** Which steps of a run are shown, where not all are. */
export const windowWords = (window: ShownExecution['window'], shown: number): string => {
  if (window === undefined) return '';
  const { leftOut, healedAfter } = window;
  const all = leftOut === 0 ? `all ${shown}` : `the last ${shown} of ${leftOut + shown}`;
  return `; ${all} steps of the run are shown, and the faults healed after step ${healedAfter}`;
};

/** Whether a step is one of a client, which is told something. */
export const ofClient = ({ after }: ShownExecutedStep): boolean => after === undefined;

/** The protocol steps of a host step, by name. */
export const actionOf = (step: ShownExecutedStep): string => {
  if (ofClient(step)) return 'told';
  const { transitions, refused } = step;
  const names = transitions.map(({ step }) => step.tag);
  if (refused) names.push('refused');
  return names.length === 0 ? 'stutter' : names.join(', ');
};

/** Packets that the protocol sent in a host step, those to itself included; each once. */
const sentIn = ({ transitions }: ShownExecutedStep): readonly Packet<unknown>[] => {
  const byText = new Map(
    transitions.flatMap(({ sends }) => sends).map((packet) => [JSON.stringify(toItf(packet)), packet]),
  );
  return [...byText.values()];
};

const receivedIn = ({ scheduled }: ShownExecutedStep, { decode }: ShownExecution): readonly unknown[] =>
  scheduled.receives.map(({ source, bytes }) => ({
    source,
    target: scheduled.node,
    message: toItf(decode(bytes)),
  }));
