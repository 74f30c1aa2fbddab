/** Executions as logs with vector clocks (Fidge; Mattern, 1988) for ShiViz (Beschastnikh et al., CACM 2016). */
import type { EndPoint } from '../../spec/endpoint.js';
import type { ShownExecution } from '../schedule/counterexamples.js';
import { showValue } from '../values.js';
import { actionOf } from './itf.js';
import { type SpaceTimeEvent, spaceTimeOf } from './space-time.js';

/** What ShiViz reads from the first line of a file: how to parse the rest. */
export const shivizParser = '(?<host>\\S*) (?<clock>{.*})\\n(?<event>.*)';

type Clock = Readonly<Record<EndPoint, number>>;

const textBudget = 300;

/** The text of a log: the parser, an empty line (one execution), then two lines for each event. */
export const shivizOf = (execution: ShownExecution): string => {
  const { events, arrows } = spaceTimeOf(execution);
  const last = new Map<EndPoint, Clock>();
  const clocks: Clock[] = [];
  const lines: string[] = [shivizParser, ''];
  for (const [at, event] of events.entries()) {
    const clock: Record<EndPoint, number> = { ...last.get(event.on) };
    for (const { to, from } of arrows) {
      if (to !== at) continue;
      for (const [on, count] of Object.entries(clocks[from] ?? {})) {
        clock[on as EndPoint] = Math.max(clock[on as EndPoint] ?? 0, count);
      }
    }
    clock[event.on] = (last.get(event.on)?.[event.on] ?? 0) + 1;
    last.set(event.on, clock);
    clocks.push(clock);
    lines.push(`${event.on} ${JSON.stringify(clock)}`, wordsOf(event, execution));
  }
  return `${lines.join('\n')}\n`;
};

const wordsOf = (event: SpaceTimeEvent, { found, decode }: ShownExecution): string => {
  if (event.tag === 'send') return `send to ${event.target}: ${showValue(event.message, textBudget)}`;
  const { step, fails } = event;
  const receives = step.scheduled.receives.map(
    ({ source, bytes }) => `receive from ${source}: ${showValue(decode(bytes), textBudget)}`,
  );
  const violation = fails && found !== undefined ? [`VIOLATION ${found.check} ${found.code}: ${found.rule}`] : [];
  return [`${step.scheduled.timeMs} ms`, ...receives, actionOf(step), ...violation].join('; ');
};
