/** Exports of counterexamples: other tools' formats as they read them, and a page that hostile values cannot change. */
import { beforeAll, describe, expect, it } from 'vitest';
import { PersistentMap } from '../../src/protocol/persistent-map.js';
import { escapeHtml } from '../../src/refinement/export/escape.js';
import { htmlOf } from '../../src/refinement/export/html.js';
import { itfOf, toItf } from '../../src/refinement/export/itf.js';
import { shivizOf, shivizParser } from '../../src/refinement/export/shiviz.js';
import { spaceTimeOf } from '../../src/refinement/export/space-time.js';
import { stateRows } from '../../src/refinement/export/state-rows.js';
import type { ShownExecution } from '../../src/refinement/schedule/counterexamples.js';
import { simulate } from '../../src/refinement/simulator.js';
import { E } from '../../src/spec/prelude.js';
import { firstSeed, greedyLock, lockCounterexamples, made, run, shrunkFully } from './broken-systems.js';

let execution: ShownExecution;
beforeAll(async () => {
  const seed = await firstSeed((options) => simulate(greedyLock, options));
  const { counterexample } = made(await lockCounterexamples.make(run(seed), shrunkFully));
  const shown = await lockCounterexamples.show(counterexample);
  if (E.isLeft(shown)) throw new Error(shown.left);
  execution = shown.right;
});

const facts = { source: 'trace.json', plant: undefined, seed: 1, traceHash: 'f'.repeat(64) };

describe('an ITF export', () => {
  interface Itf {
    readonly vars: readonly string[];
    readonly states: readonly Readonly<Record<string, unknown>>[];
  }
  const parsed = (): Itf => JSON.parse(itfOf(execution, 'trace.json')) as Itf;

  it('has the initial state and one after each step, each with every variable and the action that led to it', () => {
    const { vars, states } = parsed();
    expect(states.length).toBe(execution.steps.length + 1);
    for (const [index, state] of states.entries()) {
      expect(state['#meta']).toEqual({ index });
      expect(Object.keys(state)).toEqual(['#meta', 'mbt::actionTaken', 'mbt::nondetPicks', ...vars]);
    }
    expect(states.map((state) => state['mbt::actionTaken'])).toContain('grant');
  });

  it('begins as the lock begins, and ends with the violation', () => {
    const { states } = parsed();
    const [first, second] = execution.hosts;
    expect(states[0]?.hosts).toEqual({
      '#map': [
        [first, { role: { tag: 'holding', grantAtMs: { '#bigint': '0' } }, epoch: { '#bigint': '1' } }],
        [second, { role: { tag: 'waiting' }, epoch: { '#bigint': '0' } }],
      ],
    });
    expect(states.at(-1)?.violation).toEqual({
      tag: 'Some',
      value: { code: execution.found?.code, rule: execution.found?.rule, check: 'RC' },
    });
    expect(states.at(-2)?.violation).toEqual({ tag: 'None', value: { '#tup': [] } });
  });

  it('writes every kind of value in the form of the format', () => {
    expect(toItf(7)).toEqual({ '#bigint': '7' });
    expect(toItf(2n ** 70n)).toEqual({ '#bigint': '1180591620717411303424' });
    expect(toItf(PersistentMap.of([['k', true]]))).toEqual({ '#map': [['k', true]] });
    expect(toItf([new Uint8Array([1, 255]), null, undefined, 0.5])).toEqual([
      '01ff',
      { tag: 'None', value: { '#tup': [] } },
      { tag: 'None', value: { '#tup': [] } },
      '0.5',
    ]);
    expect(toItf({ '#map': 'x' })).toEqual({ '_#map': 'x' });
  });
});

describe('a ShiViz export', () => {
  const events = () => {
    const [parser, delimiter, ...rest] = shivizOf(execution).trimEnd().split('\n');
    expect([parser, delimiter]).toEqual([shivizParser, '']);
    return [...rest.join('\n').matchAll(new RegExp(shivizParser, 'g'))].map(({ groups = {} }) => ({
      host: groups.host as string,
      clock: JSON.parse(groups.clock as string) as Readonly<Record<string, number>>,
      event: groups.event as string,
    }));
  };

  it('is read whole by its own parser', () => {
    expect(events().length).toBe(spaceTimeOf(execution).events.length);
    expect(events()[0]).toEqual({
      host: execution.hosts[0],
      clock: { [execution.hosts[0] as string]: 1 },
      event: expect.stringContaining('0 ms; grant') as string,
    });
    expect(events().at(-1)?.event).toContain('VIOLATION RC STATE_MISMATCH');
  });

  it("counts each host's events from 1 without a gap, and a receive knows of its send", () => {
    const counts = new Map<string, number>();
    const all = events();
    for (const { host, clock } of all) {
      expect(clock[host]).toBe((counts.get(host) ?? 0) + 1);
      counts.set(host, clock[host] as number);
    }
    const { arrows } = spaceTimeOf(execution);
    expect(arrows.length).toBeGreaterThan(0);
    for (const { from, to } of arrows) {
      for (const [host, count] of Object.entries(all[from]?.clock ?? {}))
        expect(all[to]?.clock[host]).toBeGreaterThanOrEqual(count);
    }
  });
});

describe('the page of an execution', () => {
  it('shows each host as a line, each packet as an arrow, and marks the step that fails', () => {
    const page = htmlOf(execution, facts);
    const { arrows, events } = spaceTimeOf(execution);
    expect(page.match(/class="line host"/g)?.length).toBe(2);
    expect(page.match(/class="arrow"/g)?.length).toBe(arrows.length);
    expect(page.match(/<section class="panel"/g)?.length).toBe(events.length);
    expect(page.match(/class="event step fails"/g)?.length).toBe(1);
    expect(page.match(/<section class="panel" id="p\d+">/g)?.length).toBe(1);
  });

  it('says in words what does not hold, and marks where host and protocol differ', () => {
    const page = htmlOf(execution, facts);
    expect(page).toContain('This does not hold: the host&#39;s state abstracts to the state that the protocol reaches');
    expect(page).toMatch(/the host has<\/dt><dd><code>.*<mark>.*<\/mark>/);
    expect(page).toContain('<tr class="changed">');
  });

  it('needs nothing from anywhere', () => {
    const page = htmlOf(execution, facts);
    expect(page).not.toMatch(/https?:|\/\/[a-z]|url\((?!#)|@import|<link|<img|<iframe| src=/);
    expect(page).toContain("default-src 'none'");
  });

  it('shows hostile values, and is not changed by them', () => {
    const hostile = `</script><script>alert(1)</script><img src=x onerror="alert('2')">\u202e\u0000`;
    const found = execution.found;
    if (found === undefined) throw new Error('the counterexample shows nothing');
    const step = execution.steps[0];
    if (step === undefined) throw new Error('the counterexample has no step');
    const page = htmlOf(
      {
        ...execution,
        system: hostile,
        found: {
          ...found,
          rule: hostile,
          evidence: { [hostile]: hostile, component: hostile, host: hostile, protocol: 'x' },
        },
        steps: [{ ...step, before: { [hostile]: hostile }, after: { [hostile]: 1 } }, ...execution.steps.slice(1)],
        decode: () => ({ tag: hostile }),
      },
      { ...facts, source: hostile, plant: hostile },
    );
    expect(page.match(/<script/g)?.length).toBe(1);
    expect(page).not.toContain('<img');
    expect(page).not.toContain('\u202e');
    expect(page).toContain('\\u202e');
    // Everything that was let through is as many tags as without: texts add none.
    expect(page.match(/<section/g)?.length).toBe(htmlOf(execution, facts).match(/<section/g)?.length);
  });

  it('escapes what ends an attribute or an element', () => {
    expect(escapeHtml(`<a b="c" d='e'>&`)).toBe('&lt;a b=&quot;c&quot; d=&#39;e&#39;&gt;&amp;');
  });
});

describe('the rows of a state', () => {
  it('show what changed in detail, and what stayed the same in one line', () => {
    const before = {
      kept: { a: 1, b: 2 },
      table: PersistentMap.of([
        ['x', 1],
        ['y', 2],
      ]),
      role: { tag: 'one' },
    };
    const after = {
      ...before,
      table: PersistentMap.of([
        ['y', 3],
        ['z', 4],
      ]),
      role: { tag: 'two' },
    };
    expect(stateRows(before, after)).toEqual([
      { path: 'kept', change: 'same', before: '{a: 1, b: 2}', after: '{a: 1, b: 2}' },
      { path: 'table.x', change: 'removed', before: '1', after: '' },
      { path: 'table.y', change: 'changed', before: '2', after: '3' },
      { path: 'table.z', change: 'added', before: '', after: '4' },
      { path: 'role.tag', change: 'changed', before: '"one"', after: '"two"' },
    ]);
  });
});
