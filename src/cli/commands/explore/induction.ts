/** `ironkeel explore SYSTEM --inductive`: one step from every state of a small domain that satisfies the invariants. */
import type { ExplorationEntry } from '../../explorations.js';
import { conclude, exitCodes, UsageError } from '../../outcome.js';

/** Judges the induction of a model and concludes the command. */
export const runInduction = async (
  name: string,
  entry: ExplorationEntry,
  size: number,
  bound: number,
  json: boolean,
): Promise<void> => {
  if (entry.induction === undefined)
    throw new UsageError(`The model ${name} states no inductive invariants: explore it without --inductive.`);
  const start = performance.now();
  const { candidates, drawn, steps, initialStates, found, initiallyFalse } = await entry.induction.judge(size, bound);
  const seconds = (performance.now() - start) / 1_000;
  const say = (line: string): void => {
    process.stdout.write(`${line}\n`);
  };
  say(`${name}: ${drawn} states satisfy the invariants, ${steps} steps from them, ${seconds.toFixed(1)} s`);
  const violations: { code: string; rule: string; evidence: object; trace: object[]; replay: string }[] = [];
  const replay = `ironkeel explore ${name} --inductive --size ${size} --bound ${bound}`;
  if (initiallyFalse !== undefined) {
    say(`VIOLATION: an initial state breaks "${initiallyFalse}"`);
    violations.push({ code: 'INVARIANT', rule: initiallyFalse, evidence: {}, trace: [], replay });
  }
  if (found !== undefined) {
    const { invariant, evidence, before, action, after } = found;
    say(`VIOLATION: not inductive: "${invariant}" is broken by one step from a state that satisfies every invariant`);
    say(` 0 ${before}`);
    say(`   ${action}`);
    say(` 1 ${after}`);
    const trace = [{ state: before }, { action, state: after }];
    violations.push({ code: 'NOT_INDUCTIVE', rule: invariant, evidence, trace, replay });
  }
  if (violations.length === 0) say('0 violations; inductive over this domain');
  const fields = {
    ...{ system: name, size, bound, inductive: true, candidates, drawn, steps, initialStates, seconds },
    ...{ generated: steps, distinct: drawn, depth: 1, complete: found === undefined },
    ...{ violations: violations.length, found: violations },
  };
  conclude({
    command: 'explore',
    exitCode: violations.length === 0 ? exitCodes.ok : exitCodes.violation,
    json,
    fields,
  });
};
