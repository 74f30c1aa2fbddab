/**
 * An execution as one page that needs nothing else: a space-time diagram, the step that fails, and behind each event what it
 * received, did and sent, and the state before and after. Values may be hostile: every text goes through `escapeHtml`.
 */
import type { ShownExecution } from '../schedule/counterexamples.js';
import { diagramOf } from './diagram.js';
import { escapeHtml } from './escape.js';
import { windowWords } from './itf.js';
import { script } from './page-script.js';
import { style } from './page-style.js';
import { panelOf, violationBox } from './panel.js';
import { spaceTimeOf } from './space-time.js';

/** What the page says about where the execution comes from. */
export interface PageFacts {
  /** The name of the counterexample's file. */
  readonly source: string;
  readonly plant: string | undefined;
  readonly seed: number;
  readonly traceHash: string;
}

/** Nothing is loaded, from anywhere. */
const policy = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'";

/** The text of the page. */
export const htmlOf = (execution: ShownExecution, facts: PageFacts): string => {
  const { system, found, steps, hosts, window } = execution;
  const spaceTime = spaceTimeOf(execution);
  const planted = facts.plant === undefined ? '' : ` with the planted bug ${facts.plant}`;
  const shown = spaceTime.events.findIndex((event) => event.tag === 'step' && event.fails);
  const selected = shown < 0 ? spaceTime.events.length - 1 : shown;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<title>${escapeHtml(`${system}: ${found?.rule ?? 'no violation'}`)}</title>
<style>${style}</style>
</head>
<body>
<header>
<h1>${escapeHtml(system)}<span>${escapeHtml(planted)}</span></h1>
<p class="facts">${steps.length} steps of ${hosts.length} ${hosts.length === 1 ? 'host' : 'hosts'}${escapeHtml(windowWords(window, steps.length))} · seed ${facts.seed} · ${escapeHtml(facts.source)} · trace <code>${escapeHtml(facts.traceHash.slice(0, 16))}</code></p>
${violationBox(found)}
</header>
<main>
<div class="diagram" tabindex="-1">
${diagramOf(spaceTime, selected)}
</div>
<aside aria-live="polite">
<p class="hint">Click an event, or walk with the arrow keys.</p>
${spaceTime.events.map((event, at) => panelOf(execution, spaceTime, event, at, at === selected)).join('\n')}
</aside>
</main>
<script>${script}</script>
</body>
</html>
`;
};
