/** `ironkeel demo`: replicas as processes on loopback UDP under load, one killed; hosts of IronKV, a shard moved; and what came of it. */
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { monotonicNowMs } from '../../host/real-time.js';
import { type HistoryVerdict, jsonHistory, judgeRecorded } from '../../refinement/linearizability.js';
import { findLeader, GapRecorder } from '../cluster/leader.js';
import { ProcessCluster, totalsOf } from '../cluster/process-cluster.js';
import { Ledger } from '../demo/ledger.js';
import { DemoLoad, readBack } from '../demo/load.js';
import { demoMovedShard, type MovedShard } from '../demo/moved-shard.js';
import { onInterrupt } from '../interrupt.js';
import { conclude, exitCodes, UsageError, wholeFlag } from '../outcome.js';
import { violationWords } from '../violation-words.js';

interface DemoFlags {
  readonly seconds: number;
  readonly keep?: boolean;
  readonly journal?: string;
  readonly json?: boolean;
}

const clients = 8;
const replicas = 3;

/** A demo that hangs is ended this long after its load should have. */
const graceMs = 80_000;

/** The part on IronKV takes a quarter of the time more, and at least so long. */
const shardSecondsMin = 2;

/** The search for an order of all requests may take so long. */
const historyLimitMs = 20_000;

/** Writes a line for the person who watches. */
type Say = (line: string) => void;

/** Where the last line of stdout belongs to a program, people are told on stderr. */
const narrator =
  (json: boolean): Say =>
  (line) => {
    (json ? process.stderr : process.stdout).write(`${line}\n`);
  };

/** What the demo found. */
interface Findings {
  readonly requestsAnswered: number;
  readonly outcomesUnknown: number;
  readonly lost: number;
  readonly contradictions: number;
  /** Whether everything that clients were told fits one order of their requests; `unknown` where that took too long to find out. */
  readonly history: HistoryVerdict['answer'];
  readonly gapMs: number;
}

/** Judges what all clients were told. */
const judge = (history: DemoLoad['history'], model: 'kv' | 'table', say: Say): HistoryVerdict['answer'] => {
  say('Looking for one order of all requests that explains what every client was told.');
  const verdict = judgeRecorded(model, history, { time: { limitMs: historyLimitMs, nowMs: monotonicNowMs } });
  if (verdict.answer === 'not') say(`WRONG: there is none. ${violationWords(verdict.violation)}`);
  if (verdict.answer === 'unknown') say(`That is not known: ${verdict.why}.`);
  return verdict.answer;
};

const runLoad = async (cluster: ProcessCluster, { seconds, journal }: DemoFlags, say: Say): Promise<Findings> => {
  const ledger = new Ledger();
  const gaps = new GapRecorder();
  const load = new DemoLoad(cluster, ledger, gaps);
  say(`${clients} clients increment counters and write notes.`);
  load.start(clients);
  await sleep(seconds * 500);
  const leader = await findLeader(cluster);
  // What a killed process counted last is lost with it.
  await leader.stats();
  say(
    `${ledger.acknowledged} requests answered so far. Killing the leader, ${leader.id} (SIGKILL on process ${leader.pid}).`,
  );
  gaps.restart();
  await leader.end('SIGKILL');
  await sleep(seconds * 500);
  await load.stop();
  const gapMs = gaps.longestMs;
  say(`The service went on: the longest time without an answer was ${gapMs} ms.`);
  say('Reading back every key.');
  const found = await readBack(cluster, ledger.keys(), load.history);
  const wrong = [...found].flatMap(([key, value]) => ledger.contradiction(key, value) ?? []);
  for (const { key, found: value, atLeast, atMost } of wrong) {
    say(`WRONG: ${key} holds ${value}, and clients were told of ${atLeast} to ${atMost}.`);
  }
  if (journal !== undefined) writeFileSync(join(journal, 'clients.history.json'), jsonHistory(load.history, 'kv'));
  const history = judge(load.history, 'kv', say);
  return {
    requestsAnswered: ledger.acknowledged,
    outcomesUnknown: ledger.unknown,
    lost: wrong.reduce((sum, w) => sum + ledger.lost(w), 0),
    contradictions: wrong.length,
    history,
    gapMs,
  };
};

const keepRunning = async (cluster: ProcessCluster, say: Say): Promise<void> => {
  say('');
  say('The remaining replicas keep running until Ctrl-C. Talk to them:');
  say(`  npx ironkeel client --config ${cluster.configFile} set greeting hello`);
  say(`  npx ironkeel client --config ${cluster.configFile} get greeting`);
  say(`  npx ironkeel status --config ${cluster.configFile}`);
  await new Promise<void>((resolve) => onInterrupt(resolve));
};

/** Makes the folder of the journals, which belong to one cluster: a folder with anything in it is refused. */
const emptyFolder = (folder: string): void => {
  try {
    mkdirSync(folder, { recursive: true });
    if (readdirSync(folder).length === 0) return;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? String(error);
    throw new UsageError(`--journal ${folder} cannot be used (${code}): name a new folder.`);
  }
  throw new UsageError(`--journal ${folder} is not empty: name a new folder.`);
};

const isBroken = ({ contradictions, history, keysMoved, violations, failed }: MovedShard): boolean =>
  contradictions > 0 || history === 'not' || keysMoved === 0 || violations > 0 || failed > 0;

const historyWords = (answer: HistoryVerdict['answer']): string => (answer === 'not' ? 'NOT linearizable' : answer);

const sayShard = (shard: MovedShard, say: Say): void => {
  say('of IronKV:');
  say(`requests answered            ${shard.requestsAnswered}`);
  say(`outcomes unknown             ${shard.outcomesUnknown}`);
  say(`keys moved                   ${shard.keysMoved} in ${shard.moveMs} ms`);
  say(`steps checked                ${shard.stepsChecked} of ${shard.steps}`);
  say(`violations                   ${shard.violations}`);
  say(`acknowledged requests lost   ${shard.lost}`);
  say(`history of the clients       ${historyWords(shard.history)}`);
};

const runDemo = async (flags: DemoFlags): Promise<void> => {
  const { seconds } = flags;
  const json = flags.json === true;
  const say = narrator(json);
  const watchdog = setTimeout(
    () => {
      say('The demo did not come to its end in time.');
      process.exit(exitCodes.inconclusive);
    },
    seconds * 1000 + graceMs,
  );
  const { journal } = flags;
  if (journal !== undefined) emptyFolder(journal);
  const cluster = await ProcessCluster.start({
    name: 'demo',
    nodes: replicas,
    application: 'kv',
    check: 'inline',
    journal,
  });
  for (const node of cluster.nodes) say(`Replica ${node.id} runs as process ${node.pid} on ${node.address}.`);
  const findings = await runLoad(cluster, flags, say);
  say('');
  const shard = await demoMovedShard({
    seconds: Math.max(shardSecondsMin, seconds / 4),
    journal: journal === undefined ? undefined : join(journal, 'ironkv'),
    say,
    judge: (history, model) => judge(history, model, say),
  });
  clearTimeout(watchdog);
  if (flags.keep === true) await keepRunning(cluster, say);
  const reports = await cluster.stop();
  const totals = totalsOf(reports.map((r) => r.stats));
  const failed = reports.filter((r) => r.exit.signal === null && r.exit.code !== exitCodes.ok);
  for (const { id, exit, lastWords } of failed) {
    say(`WRONG: replica ${id} ended with exit code ${exit.code}:`);
    say(lastWords);
  }
  const broken =
    findings.contradictions > 0 ||
    findings.history === 'not' ||
    totals.violations > 0 ||
    failed.length > 0 ||
    isBroken(shard);
  say('');
  say(`requests answered            ${findings.requestsAnswered}`);
  say(`outcomes unknown             ${findings.outcomesUnknown}`);
  say(`steps checked                ${totals.stepsChecked} of ${totals.steps}`);
  say(`violations                   ${totals.violations}`);
  say(`acknowledged requests lost   ${findings.lost}`);
  say(`history of the clients       ${historyWords(findings.history)}`);
  say(`longest gap after the kill   ${findings.gapMs} ms`);
  sayShard(shard, say);
  if (journal !== undefined) {
    say(`Judge it all again from the journals: npx ironkeel audit ${journal}`);
    say(`                                      npx ironkeel audit ${join(journal, 'ironkv')}`);
  }
  const interrupted = flags.keep === true && !broken;
  const known = findings.history === 'linearizable' && shard.history === 'linearizable';
  const fine = known ? exitCodes.ok : exitCodes.inconclusive;
  const exitCode = broken ? exitCodes.violation : interrupted ? exitCodes.interrupted : fine;
  conclude({ command: 'demo', exitCode, json, fields: { ...findings, ...totals, clients, nodes: replicas, shard } });
};

/** Adds `demo` to the command line. */
export const registerDemo = (program: Command): void => {
  program
    .command('demo')
    .description(
      'three replicas under load, one killed; three hosts of IronKV, a shard moved; and a summary; ends by itself',
    )
    .option('--seconds <n>', 'how long the load lasts', wholeFlag('--seconds', 2, 30), 12)
    .option('--keep', 'leave the replicas running until Ctrl-C')
    .option('--journal <dir>', 'the replicas write journals, and the clients their history, into this new folder')
    .option('--json', 'print one JSON object as the last line')
    .action(runDemo);
};
