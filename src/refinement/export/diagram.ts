/** The picture of a space-time diagram: processes as vertical lines, time downwards, packets as arrows. */
import { escapeHtml } from './escape.js';
import { actionOf } from './itf.js';
import type { Arrow, SpaceTime, SpaceTimeEvent } from './space-time.js';

const lineGapOf = (lines: number): number => (lines > 4 ? 156 : 190);
const rowHeight = 50;
/** Names stand in a picture of their own, which stays while the other scrolls. */
const namesHeight = 46;
const top = 10;
const left = 96;
const radius = 10;

const cut = (text: string, lengthMax: number): string =>
  text.length > lengthMax ? `${text.slice(0, lengthMax - 1)}…` : text;

/** The picture as SVG, which an HTML page may hold; the event at `selected` is marked. */
export const diagramOf = (spaceTime: SpaceTime, selected: number): string => {
  const { lines, events, arrows } = spaceTime;
  const lineGap = lineGapOf(lines.length);
  const width = left * 2 + lineGap * (lines.length - 1);
  const height = top + rowHeight * events.length + 24;
  const places = new Map(lines.map((line, i) => [line.endPoint as string, left + lineGap * i]));
  const x = (on: string): number => places.get(on) ?? left;
  const y = (at: number): number => top + rowHeight * at + rowHeight / 2;
  const names = lines.map(
    ({ endPoint, kind }) =>
      `<text class="name" x="${x(endPoint)}" y="20">${escapeHtml(endPoint)}</text><text class="kind" x="${x(endPoint)}" y="35">${kind}</text>`,
  );
  const verticals = lines.map(({ endPoint, kind }) => {
    const at = x(endPoint);
    return `<line class="line ${kind}" x1="${at}" x2="${at}" y1="0" y2="${height - 8}"/>`;
  });
  const drawn = arrows.map((arrow) => drawnArrow(arrow, arrows, x, y));
  const marks = events.map((event, at) => drawnEvent(event, at, x(event.on), y(at), at === selected));
  return `<svg class="names" aria-hidden="true" width="${width}" height="${namesHeight}">${names.join('')}</svg>
<svg role="group" aria-label="Space-time diagram" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">
<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto-start-reverse"><path d="M0 0.6 8 4 0 7.4z"/></marker></defs>
${verticals.join('\n')}
${drawn.map(({ path }) => path).join('\n')}
${marks.join('\n')}
${drawn.map(({ label }) => label).join('\n')}
</svg>`;
};

interface DrawnArrow {
  readonly path: string;
  readonly label: string;
}

const drawnArrow = (
  arrow: Arrow,
  arrows: readonly Arrow[],
  x: (on: string) => number,
  y: (at: number) => number,
): DrawnArrow => {
  const together = arrows.filter(({ from, to }) => from === arrow.from && to === arrow.to);
  const place = together.indexOf(arrow) - (together.length - 1) / 2;
  const [x1, y1, x2, y2] = [x(arrow.source), y(arrow.from), x(arrow.target), y(arrow.to)];
  const ofEvents = `data-from="${arrow.from}" data-to="${arrow.to}"`;
  const tag = escapeHtml(cut(arrow.message?.tag ?? 'no message', 24));
  if (arrow.source === arrow.target) {
    const bulge = x1 - 46 - 14 * Math.abs(place);
    const path = `M${x1 - radius} ${y1} C${bulge} ${y1} ${bulge} ${y2} ${x2 - radius} ${y2}`;
    return {
      path: `<path class="arrow" ${ofEvents} d="${path}" marker-end="url(#head)"/>`,
      label: `<text class="tag" ${ofEvents} x="${bulge + 8}" y="${(y1 + y2) / 2 + place * 13}">${tag}</text>`,
    };
  }
  const length = Math.hypot(x2 - x1, y2 - y1);
  const [dx, dy] = [((x2 - x1) / length) * radius, ((y2 - y1) / length) * radius];
  const bend = place * 12;
  const middle = `${(x1 + x2) / 2} ${(y1 + y2) / 2 + bend}`;
  // Labels stand near the receiver, where arrows that started together have parted.
  const t = 0.64;
  const labelX = x1 + (x2 - x1) * t;
  const labelY = y1 + (y2 - y1) * t + bend * 1.15 - 4;
  return {
    path: `<path class="arrow" ${ofEvents} d="M${x1 + dx} ${y1 + dy} Q${middle} ${x2 - dx} ${y2 - dy}" marker-end="url(#head)"/>`,
    label: `<text class="tag" ${ofEvents} x="${labelX}" y="${labelY}">${tag}</text>`,
  };
};

const drawnEvent = (event: SpaceTimeEvent, at: number, x: number, y: number, selected: boolean): string => {
  const fails = event.tag === 'step' && event.fails;
  const what = event.tag === 'send' ? `send ${event.message?.tag ?? 'bytes'}` : actionOf(event.step);
  const names = [...new Set(what.split(', '))].join(', ');
  const below = event.tag === 'send' ? '' : cut(`${event.step.scheduled.timeMs} ms: ${names}`, 28);
  const name = `${at + 1}: ${event.on} ${what}${fails ? ', violation' : ''}`;
  const shape =
    event.tag === 'send'
      ? `<rect x="${x - 8}" y="${y - 8}" width="16" height="16" rx="3"/>`
      : `<circle cx="${x}" cy="${y}" r="${fails ? radius + 3 : radius}"/>`;
  return `<g class="event ${event.tag}${fails ? ' fails' : ''}" id="m${at}" data-event="${at}" tabindex="0" role="button" aria-pressed="${selected}" aria-label="${escapeHtml(name)}">
<rect class="touch" x="${x - 20}" y="${y - rowHeight / 2 + 2}" width="40" height="${rowHeight - 4}"/>${shape}
<text class="number" x="${x}" y="${y + 3.5}">${at + 1}</text><text class="what" x="${x}" y="${y + 23}">${escapeHtml(below)}</text></g>`;
};
