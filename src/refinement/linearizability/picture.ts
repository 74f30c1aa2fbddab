/** What shows a person that a history is not linearizable: sentences, and a picture of the operations in time. */
import type { Explanation, PartialLinearization } from './explain.js';

/** An operation as a person sees it. */
export interface ShownOperation {
  readonly client: string;
  readonly words: string;
  readonly call: number;
  /** Undefined where the outcome is unknown. */
  readonly return: number | undefined;
  readonly line: number | undefined;
}

/** Operations in a picture, at most. */
const rowsMax = 24;

/** Of the operations that could be placed, the last so many are shown. */
const placedShown = 8;

const wordsMax = 60;
const columnWidth = 3;

const short = (words: string): string =>
  words.length <= wordsMax ? words : `${words.slice(0, wordsMax / 2 - 1)}…${words.slice(-wordsMax / 2)}`;

const named = ({ client, words, line }: ShownOperation): string =>
  `${short(words)} of client ${client}${line === undefined ? '' : ` (line ${line})`}`;

/** The operations of the prefix that matter, in the order of their calls. */
const shownOf = (operations: readonly ShownOperation[], e: Explanation): readonly number[] => {
  const culprit = operations[e.culprit] as ShownOperation;
  const chosen = new Set<number>([e.culprit, ...e.unplaced]);
  const also = [
    ...e.partials.flatMap((p) => [...p.missing, ...p.order.slice(-placedShown)]),
    // What was under way with the culprit, latest call first.
    ...e.prefix.filter((i) => (operations[i]?.return ?? Number.POSITIVE_INFINITY) > culprit.call).reverse(),
  ];
  for (const i of also) if (chosen.size < rowsMax) chosen.add(i);
  return e.prefix.filter((i) => chosen.has(i));
};

interface Event {
  readonly time: number;
  readonly isReturn: boolean;
  readonly index: number;
}

/** The columns of calls and returns: the events of the operations shown, in order. A return after the prefix has none. */
const columnsOf = (
  operations: readonly ShownOperation[],
  shown: readonly number[],
  until: number,
): {
  readonly calls: ReadonlyMap<number, number>;
  readonly returns: ReadonlyMap<number, number>;
  readonly width: number;
} => {
  const events: Event[] = [];
  for (const index of shown) {
    const { call, return: returned } = operations[index] as ShownOperation;
    events.push({ time: call, isReturn: false, index });
    if (returned !== undefined && returned <= until) events.push({ time: returned, isReturn: true, index });
  }
  events.sort((a, b) => a.time - b.time || Number(a.isReturn) - Number(b.isReturn));
  const calls = new Map<number, number>();
  const returns = new Map<number, number>();
  for (const [i, { isReturn, index }] of events.entries()) (isReturn ? returns : calls).set(index, i * columnWidth);
  return { calls, returns, width: events.length * columnWidth };
};

const pad = (text: string, width: number): string => text.padEnd(width);

/** One operation a line: its place in the longest partial linearization, its client and words, and when it was under way. */
const rowsOf = (operations: readonly ShownOperation[], e: Explanation, shown: readonly number[]): readonly string[] => {
  const until = operations[e.culprit]?.return ?? Number.POSITIVE_INFINITY;
  const { calls, returns, width } = columnsOf(operations, shown, until);
  const order = e.partials[0]?.order ?? [];
  const placeOf = (i: number): string => {
    if (e.unplaced.includes(i)) return '!';
    const at = order.indexOf(i);
    return at < 0 ? '-' : String(at + 1);
  };
  const columns = shown.map((i) => {
    const { client, words } = operations[i] as ShownOperation;
    return [placeOf(i), client, short(words)] as const;
  });
  const widest = (k: 0 | 1 | 2): number => Math.max(...columns.map((c) => c[k].length));
  return shown.map((i, row) => {
    const [place, client, words] = columns[row] as readonly [string, string, string];
    const from = calls.get(i) as number;
    const to = returns.get(i);
    const bar = to === undefined ? `|${'-'.repeat(width - from - 1)}>` : `|${'-'.repeat(to - from - 1)}|`;
    const left = `${place.padStart(widest(0))}  client ${pad(client, widest(1))}  ${pad(words, widest(2))}`;
    return `${left}  ${' '.repeat(from)}${bar}`;
  });
};

const partialWords = (operations: readonly ShownOperation[], p: PartialLinearization): string => {
  const missing = p.missing.slice(0, 4).map((i) => named(operations[i] as ShownOperation));
  const more = p.missing.length > missing.length ? ` and ${p.missing.length - missing.length} more` : '';
  const count = p.order.length;
  return `${count} ${count === 1 ? 'operation' : 'operations'} can be placed; the state then is ${short(p.state)}, and what does not fit is ${missing.join(', ')}${more}`;
};

/** Sentences and a picture, line by line. */
export const explanationLines = (operations: readonly ShownOperation[], e: Explanation): readonly string[] => {
  const culprit = operations[e.culprit] as ShownOperation;
  const part = e.part === undefined ? '' : `, of "${short(e.part)}",`;
  const shown = shownOf(operations, e);
  const leftOut = e.prefix.length - shown.length;
  return [
    `The first ${e.prefix.length} operations${part} up to the return of ${named(culprit)} have no order that the model allows.`,
    e.smallest
      ? 'With that answer still open they have one.'
      : 'A smaller part may have none either: the limits were reached before that was known.',
    ...e.partials.map((p) => `${partialWords(operations, p)}.`),
    '',
    ...rowsOf(operations, e, shown),
    ...(leftOut === 0 ? [] : [`(${leftOut} operations of the ${e.prefix.length} are not shown)`]),
    'Left: the place in the longest order found; ! cannot be placed, - is not in it. Right: |--| called and returned, |--> still open.',
  ];
};
