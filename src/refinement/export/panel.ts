/** What stands behind an event of the diagram, and the box that says what went wrong. */
import type { Tagged } from '../cluster.js';
import type { ShownExecution } from '../schedule/counterexamples.js';
import type { FoundInSchedule } from '../schedule/scheduled-run.js';
import { showValue } from '../values.js';
import { escapeHtml } from './escape.js';
import { ofClient } from './itf.js';
import type { SpaceTime, SpaceTimeEvent } from './space-time.js';
import { type StateRow, stateRows } from './state-rows.js';

const budget = 500;

type Shown = Extract<SpaceTimeEvent, { tag: 'step' }>;

/** The first thing that was found false, in words, with the values that show it. */
export const violationBox = (found: FoundInSchedule | undefined): string => {
  if (found === undefined) return '<section class="violation none"><h2>No violation</h2></section>';
  const { rule, code, check, node, evidence } = found;
  const { component, where, host, protocol, picture, stack: _, ...rest } = evidence;
  const place =
    component === undefined ? '' : comparison(text(component), text(where ?? ''), text(host), text(protocol));
  const rows = Object.entries(rest).map(
    ([name, value]) => `<dt>${escapeHtml(name)}</dt><dd><code>${escapeHtml(text(value))}</code></dd>`,
  );
  return `<section class="violation"><h2>This does not hold: ${escapeHtml(rule)}</h2>
<p><code>${escapeHtml(code)}</code> · check ${escapeHtml(check)} · at ${escapeHtml(node)}${released(found)}</p>
${place}${rows.length === 0 ? '' : `<dl>${rows.join('')}</dl>`}${linesBox(picture)}</section>`;
};

/** A picture in lines of text, such as that of a history. */
const linesBox = (picture: unknown): string =>
  Array.isArray(picture) ? `<pre>${picture.map((line) => escapeHtml(text(line))).join('\n')}</pre>` : '';

const released = ({ stoppedBeforeRelease }: FoundInSchedule): string =>
  stoppedBeforeRelease === true ? ' · the node was stopped, and nothing of the step left it' : '';

const text = (value: unknown): string => (typeof value === 'string' ? value : showValue(value, budget));

/** Two values one above the other, with the part in which they differ marked. */
const comparison = (component: string, where: string, host: string, protocol: string): string => {
  const [h, p] = [differing(host, protocol), differing(protocol, host)];
  return `<p>In <code>${escapeHtml(component)}</code>${where === '' ? '' : ` at <code>${escapeHtml(where)}</code>`}</p>
<dl><dt>the host has</dt><dd><code>${h}</code></dd><dt>the protocol has</dt><dd><code>${p}</code></dd></dl>`;
};

/** `a` with what lies between its common beginning and end with `b` marked. */
const differing = (a: string, b: string): string => {
  const shorter = Math.min(a.length, b.length);
  let start = 0;
  while (start < shorter && a[start] === b[start]) start++;
  let end = 0;
  while (end < shorter - start && a[a.length - 1 - end] === b[b.length - 1 - end]) end++;
  const middle = a.slice(start, a.length - end);
  const marked = middle === '' ? '' : `<mark>${escapeHtml(middle)}</mark>`;
  return `${escapeHtml(a.slice(0, start))}${marked}${escapeHtml(a.slice(a.length - end))}`;
};

/** The panel of an event; all but the selected one are hidden. */
export const panelOf = (
  execution: ShownExecution,
  spaceTime: SpaceTime,
  event: SpaceTimeEvent,
  at: number,
  selected: boolean,
): string => {
  const earlier = execution.hosts.includes(event.on) ? ', before the first step shown' : '';
  const title = event.tag === 'send' ? `${event.on} sends${earlier}` : `Step of ${event.on}`;
  const body =
    event.tag === 'send'
      ? list([packetLine(`to ${event.target}`, event.message)])
      : stepBody(execution, spaceTime, event, at);
  return `<section class="panel" id="p${at}"${selected ? '' : ' hidden'}><h2><span class="at">${at + 1}</span>${escapeHtml(title)}</h2>
${body}</section>`;
};

const list = (items: readonly string[]): string =>
  items.length === 0
    ? '<p class="nothing">nothing</p>'
    : `<ul>${items.map((item) => `<li>${item}</li>`).join('')}</ul>`;

const packetLine = (where: string, message: Tagged | undefined): string =>
  `${escapeHtml(where)} <code>${escapeHtml(showValue(message, budget))}</code>`;

const stepBody = (execution: ShownExecution, spaceTime: SpaceTime, event: Shown, at: number): string => {
  const { step, fails } = event;
  const received = spaceTime.arrows
    .filter(({ to }) => to === at)
    .map(({ source, message, from }) => packetLine(`from ${source} (${from + 1})`, message));
  const failure = fails ? `<p class="fails">${failureWords(execution)}: see above.</p>` : '';
  if (ofClient(step)) return `${failure}<h3>is told</h3>${list(received)}`;
  const done =
    step.refused && step.transitions.length === 0 ? refusedByNode(execution, event) : passed(spaceTime, event, at);
  return `${failure}<p class="clock">its clock shows ${step.scheduled.timeMs} ms</p>
<h3>received</h3>${list(received)}
${done}
<h3>state</h3>${stateTable(stateRows(step.before, step.after))}`;
};

const failureWords = ({ found }: ShownExecution): string => {
  switch (found?.check) {
    case 'LIN':
      return "With this answer the clients' history has no order";
    case 'LIVE':
      return 'Here the bound ends';
    default:
      return 'This step fails';
  }
};

/** A step in which the node's own judge found fault: what the host recorded, and would have sent. */
const refusedByNode = ({ decode }: ShownExecution, { step }: Shown): string => {
  const actions = (step.watched?.actions ?? []).map(
    (action) => `<code>${escapeHtml(showValue(action, budget))}</code>`,
  );
  const sends = (step.watched?.events ?? []).flatMap((event) =>
    event.tag === 'send' ? [{ where: event.target as string, message: decode(event.bytes) }] : [],
  );
  return `<h3>what the host says it did</h3>${list(actions)}<h3>wanted to send, and did not</h3>${list(grouped(sends))}`;
};

/** What the protocol did and sent. */
const passed = ({ arrows }: SpaceTime, { step, on }: Shown, at: number): string => {
  const done = step.transitions.map(({ step: taken }) => `<code>${escapeHtml(showValue(taken, budget))}</code>`);
  const sends = step.transitions
    .flatMap((transition) => transition.sends)
    .map(({ target, message }) => {
      const words = showValue(message, budget);
      const to = arrows.filter((a) => a.from === at && a.target === target && showValue(a.message, budget) === words);
      const fate = to.length === 0 ? '' : ` (received in ${to.map((a) => a.to + 1).join(', ')})`;
      return { where: target === on ? 'itself' : `${target}${fate}`, message };
    });
  return `<h3>protocol steps</h3>${list(done)}<h3>sent</h3>${list(grouped(sends))}`;
};

/** Packets with one message on one line. */
const grouped = (
  sends: readonly { readonly where: string; readonly message: Tagged | undefined }[],
): readonly string[] => {
  const groups = new Map<string, { readonly wheres: string[]; readonly message: Tagged | undefined }>();
  for (const { where, message } of sends) {
    const words = showValue(message, budget);
    const group = groups.get(words);
    if (group === undefined) groups.set(words, { wheres: [where], message });
    else group.wheres.push(where);
  }
  return [...groups.values()].map(({ wheres, message }) => packetLine(`to ${wheres.join(', ')}`, message));
};

const stateTable = (rows: readonly StateRow[]): string => {
  const changed = rows.filter(({ change }) => change !== 'same').length;
  const body = rows.map(({ path, change, before, after }) => {
    const name = `<th scope="row">${escapeHtml(path)}</th>`;
    if (change === 'same') return `<tr class="same">${name}<td colspan="2"><code>${escapeHtml(after)}</code></td></tr>`;
    return `<tr class="${change}">${name}<td><code>${differing(before, after)}</code></td><td><code>${differing(after, before)}</code></td></tr>`;
  });
  const summary = changed === 0 ? 'nothing changed' : `${changed} ${changed === 1 ? 'place' : 'places'} changed`;
  return `<p class="summary">${summary}</p><table><thead><tr><th scope="col">where</th><th scope="col">before</th><th scope="col">after</th></tr></thead><tbody>${body.join('')}</tbody></table>`;
};
