/** `ironkeel audit`: judges what real nodes did, from their journals. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { monotonicNowMs } from '../../host/real-time.js';
import { type AuditFound, type AuditReport, findJournals, type RunningAudit } from '../../refinement/audit.js';
import type { Violation } from '../../spec/check.js';
import { E } from '../../spec/prelude.js';
import { auditHistory, type HistoryAnswer } from '../audit/history.js';
import { audits } from '../audits.js';
import { onInterrupt } from '../interrupt.js';
import { conclude, type ExitCode, exitCodes, UsageError, wholeFlag } from '../outcome.js';
import { violationWords } from '../violation-words.js';

interface AuditFlags {
  readonly every: number;
  readonly history?: string;
  readonly follow?: boolean;
  readonly idle?: number;
  readonly json?: boolean;
}

/** Steps that are judged before anything else may happen. */
const burstSteps = 2_000;

/** How often a live journal is looked at again. */
const pollMs = 200;

const progressPeriodMs = 1_000;

/** A line that stays on a terminal while an audit runs. */
class Progress {
  readonly #startMs = monotonicNowMs();
  readonly #startCpu = process.cpuUsage();
  #shownMs = this.#startMs;

  get seconds(): number {
    return (monotonicNowMs() - this.#startMs) / 1000;
  }

  /** Processor time since the start, of all threads. */
  get cpuSeconds(): number {
    const { user, system } = process.cpuUsage(this.#startCpu);
    return Math.round((user + system) / 1000) / 1000;
  }

  show({ events }: RunningAudit): void {
    const nowMs = monotonicNowMs();
    if (!process.stderr.isTTY || nowMs - this.#shownMs < progressPeriodMs) return;
    this.#shownMs = nowMs;
    process.stderr.write(`\r${events} events, ${Math.round(events / this.seconds)} a second`);
  }

  clear(): void {
    if (process.stderr.isTTY) process.stderr.write('\r\u001b[K');
  }
}

/** Judges all that there is; with `follow`, all that comes, until nothing came for `idle` seconds or `stop` says so. */
const run = async (audit: RunningAudit, { follow, idle }: AuditFlags, stop: () => boolean): Promise<Progress> => {
  const progress = new Progress();
  let lastMs = monotonicNowMs();
  let lastEvents = 0;
  for (;;) {
    const state = audit.advance(burstSteps);
    progress.show(audit);
    if (state === 'found' || stop()) break;
    if (state === 'more') {
      await sleep(0);
      continue;
    }
    if (follow !== true || audit.complete()) break;
    if (audit.events > lastEvents) {
      lastEvents = audit.events;
      lastMs = monotonicNowMs();
    } else if (idle !== undefined && monotonicNowMs() - lastMs > idle * 1000) break;
    await sleep(pollMs);
    audit.refresh();
  }
  progress.clear();
  return progress;
};

const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

const tellFound = ({ node, step, file, shown, ...violation }: AuditFound): void => {
  const { nearestAllowedStep, ...evidence } = violation.evidence;
  const where = node === 'cluster' ? 'the whole cluster' : `step ${step} of ${node} (${file})`;
  say(`WRONG: ${where}: ${violationWords({ ...violation, evidence })}.`);
  for (const event of shown?.events ?? []) say(`    ${event}`);
  for (const action of shown?.actions ?? []) say(`    did ${action}`);
  if (nearestAllowedStep !== undefined) say(`  nearest allowed step: ${JSON.stringify(nearestAllowedStep)}`);
};

const tell = (report: AuditReport, history: HistoryAnswer, seconds: number): void => {
  for (const { node, incarnation, steps, events, end } of report.nodes)
    say(`${node}, incarnation ${incarnation}: ${steps} steps, ${events} events${end === 'complete' ? '' : ', no end'}`);
  for (const note of report.notes) say(note);
  if (report.found !== undefined) tellFound(report.found);
  if (history.violation !== undefined) say(`WRONG: ${violationWords(history.violation)}.`);
  for (const sentence of [...report.open, ...history.open]) say(`NOT KNOWN: ${sentence}`);
  const { events, steps, stepsChecked, specSteps, fullChecks } = report;
  say(
    `${events} events of ${steps} steps in ${seconds.toFixed(1)} s (${Math.round(events / seconds)} a second); ${stepsChecked} steps passed every check, ${specSteps} steps of the service, ${fullChecks} checks of the whole cluster; history: ${history.answer}`,
  );
};

const alone = (violation: Violation, json: boolean): void => {
  say(`WRONG: ${violationWords(violation)}.`);
  const counts = { events: 0, steps: 0, stepsChecked: 0, seconds: 0, eventsPerSecond: 0, violations: 1 };
  conclude({
    command: 'audit',
    exitCode: exitCodes.violation,
    json,
    fields: { ...counts, found: [violation], rows: [] },
  });
};

const open = async (paths: readonly string[], flags: AuditFlags, found: ReturnType<typeof findJournals>) => {
  if (E.isLeft(found)) return undefined;
  const { cluster } = found.right;
  const system = audits[cluster.system];
  if (system === undefined)
    throw new UsageError(
      `The journals in ${paths.join(', ')} are of the system "${cluster.system}", which is not known.`,
    );
  const opened = (await system()).open(found.right, { every: flags.every, follow: flags.follow === true });
  if (E.isLeft(opened))
    throw new UsageError(
      ...opened.left.map(
        (why) => `The journals of "${cluster.cluster}" name a configuration that is not valid: ${why}.`,
      ),
    );
  return opened.right;
};

const exitCodeOf = (report: AuditReport, history: HistoryAnswer): ExitCode => {
  if (report.found !== undefined || history.violation !== undefined) return exitCodes.violation;
  return report.open.length + history.open.length > 0 ? exitCodes.inconclusive : exitCodes.ok;
};

const audit = async (paths: readonly string[], flags: AuditFlags): Promise<void> => {
  const json = flags.json === true;
  const journals = findJournals(paths);
  if (E.isLeft(journals)) {
    if (journals.left.tag === 'mistakes') throw new UsageError(...journals.left.sentences);
    alone(journals.left.violation, json);
    return;
  }
  const running = await open(paths, flags, journals);
  if (running === undefined) return;
  let interrupted = false;
  onInterrupt(() => {
    interrupted = true;
  });
  const progress = await run(running, flags, () => interrupted);
  const report = running.conclude();
  const { seconds, cpuSeconds } = progress;
  const history = auditHistory(
    flags.history === undefined ? journals.right.histories : [flags.history],
    report.requests,
  );
  tell(report, history, seconds);
  const { nodes: rows, open: notKnown, found: first, notes, ...counts } = report;
  const replay = `ironkeel audit ${paths.join(' ')}`;
  const found = [
    ...(first === undefined ? [] : [{ ...first, trace: [first.shown], replay }]),
    ...(history.violation === undefined ? [] : [{ ...history.violation, replay }]),
  ];
  const exitCode = exitCodeOf(report, history);
  const fields = {
    ...counts,
    seconds,
    cpuSeconds,
    eventsPerSecond: Math.round(report.events / seconds),
    peakMemoryBytes: process.resourceUsage().maxRSS * 1024,
    violations: found.length,
    found,
    notKnown: [...notKnown, ...history.open],
    notes,
    history: history.answer,
    historyOperations: history.operations,
    rows,
  };
  conclude({
    command: 'audit',
    exitCode: interrupted && exitCode === exitCodes.ok ? exitCodes.interrupted : exitCode,
    json,
    fields,
  });
};

/** Adds `audit` to the command line. */
export const registerAudit = (program: Command): void => {
  program
    .command('audit')
    .description(
      'judge what real nodes did, from the journals of serve --journal; exit 0 fine, 1 violation, 4 not known',
    )
    .argument('<journal...>', 'journals, or folders of journals, of all nodes of one cluster')
    .option('--every <n>', 'steps from one check of the whole cluster to the next', wholeFlag('--every', 1), 1_000)
    .option('--history <file>', "what clients recorded; otherwise the folders' *.history.json")
    .option('--follow', 'wait for more while the nodes run; Ctrl-C ends it')
    .option('--idle <seconds>', 'with --follow: end when nothing was written for so long', wholeFlag('--idle', 1))
    .option('--json', 'print one JSON object as the last line')
    .action(audit);
};
