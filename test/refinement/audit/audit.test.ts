import { copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { StepEvent, StepRecord } from '../../../src/network/step-io.js';
import { type Audits, auditsOf } from '../../../src/refinement/audit.js';
import { violated } from '../../../src/spec/check.js';
import { endPoint } from '../../../src/spec/endpoint.js';
import { E } from '../../../src/spec/prelude.js';
import { ironrsmAudit } from '../../../systems/ironrsm/audit.js';
import { encodeCommand, type RsmMessage, rsmCodec } from '../../../systems/ironrsm/index.js';
import { joined } from '../../../systems/ironrsm/messages.js';
import { lockAudit } from '../../../systems/lock/audit.js';
import { type LockMessage, lockCluster, lockCodec } from '../../../systems/lock/index.js';
import {
  auditFolder,
  client,
  fileOf,
  journalWriter,
  lockJournals,
  newFolder,
  removeFolders,
  reportOn,
  rewrite,
  rsmJournals,
  stepsOf,
} from './journaled-cluster.js';

afterEach(removeFolders);

type Steps = StepRecord<unknown>[];

const isReply = (event: StepEvent): boolean => {
  if (event.tag !== 'send' || event.target !== client) return false;
  const message = rsmCodec.decode(event.bytes);
  return E.isRight(message) && message.right.tag === 'reply';
};

/** The journal of `a` with the events of the step that first replies to the client changed. */
const withReply = (change: (events: readonly StepEvent[]) => readonly StepEvent[]) => {
  let at = 0;
  const folder = rsmJournals();
  rewrite(folder, 'a', (steps: Steps) => {
    at = steps.findIndex((s) => s.events.some(isReply));
    return steps.map((s, i) => (i === at ? { ...s, events: change(s.events) } : s));
  });
  return { folder, step: at + 1 };
};

const mistakesIn = (folder: string): readonly string[] => {
  const report = auditFolder(folder);
  return E.isLeft(report) ? report.left : [];
};

describe('an audit', () => {
  it('passes the journals of replicas that served a client, and sees each request answered', () => {
    const report = reportOn(rsmJournals());
    expect(report).toMatchObject({ found: undefined, open: [], steps: 390, stepsChecked: 390, requests: 12 });
    expect(report.nodes.map((n) => n.end)).toEqual(['complete', 'complete', 'complete']);
    expect(report.fullChecks).toBeGreaterThan(10);
    expect(report.specSteps).toBeGreaterThan(0);
  });

  it('passes the journals of a lock that went round', () => {
    const report = reportOn(lockJournals());
    expect(report).toMatchObject({ found: undefined, open: [], steps: 180, stepsChecked: 180 });
    expect(report.specSteps).toBeGreaterThan(10);
  });

  it('passes where a replica was killed, and says that its journal has no end', () => {
    const report = reportOn(rsmJournals({ killed: { c: 60 } }), { every: 1 });
    expect(report).toMatchObject({ found: undefined, open: [], requests: 12 });
    expect(report.notes.join()).toContain('The journal of c has no end');
  });

  it('reads a journal of many files as one', () => {
    const folder = rsmJournals({ fileBytesMax: 4096 });
    expect(readFileSync(fileOf(folder, 'a', 3)).length).toBeGreaterThan(0);
    expect(reportOn(folder)).toMatchObject({ found: undefined, open: [], steps: 390, stepsChecked: 390 });
  });

  it('takes a step at its release, and counts what was never released as not taken', () => {
    const whole = lockJournals();
    const folder = newFolder();
    for (const id of ['b', 'c']) copyFileSync(fileOf(whole, id), fileOf(folder, id));
    const steps = stepsOf(whole, 'a');
    const identity = identityIn('a');
    const writer = journalWriter(folder, identity);
    for (const step of steps) {
      writer.append(step, false);
      if (step.step % 4 === 0 && step.step < steps.length) writer.mark('released', step.step);
    }
    writer.mark('durable', steps.length);
    writer.flush();
    const report = reportOn(folder);
    expect(report).toMatchObject({ found: undefined, steps: 176 });
    expect(report.notes.join()).toContain('The last 4 steps of a were never released');
  });

  it('forgets what nobody can speak of again, and finds the same', () => {
    const system = ironrsmAudit();
    const left: Readonly<Record<string, number>>[] = [];
    const audits = auditsOf({
      ...system,
      forget: (retained) => {
        const spec = system.forget?.(retained) ?? retained.spec;
        const { folds, proposals, votes, chosenDigests, chosen, steps } = retained.history;
        let packets = 0;
        retained.keepFromOutside(() => packets++ >= 0);
        left.push({
          packets,
          places: folds.length,
          folds: folds.filter((fold) => fold !== undefined).length,
          steps: steps.filter((taken) => taken.length > 0).length,
          proposals: proposals.size,
          votes: votes.size,
          digests: chosenDigests.size,
          chosen: chosen.size,
          executed: spec.executed.size,
          opened: spec.opened.size,
        });
        return spec;
      },
    });
    const forgetful = auditFolder(rsmJournals(), { every: 1 }, audits);
    expect(forgetful).toMatchObject(E.right({ found: undefined, open: [], requests: 12, stepsChecked: 390 }));
    expect(left.some(({ executed, packets }) => executed === 1 && packets === 1)).toBe(true);
    // Of the log, which is handed to replicas that lag, nothing is dropped so soon.
    const kept = {
      folds: 1,
      steps: 0,
      proposals: 0,
      votes: 0,
      digests: 0,
      chosen: 13,
      executed: 1,
      opened: 1,
      packets: 0,
    };
    expect(left.at(-1)).toEqual({ places: 14, ...kept });
  });

  it('knows what was sent once more after it forgot it, and that a session expired long ago', () => {
    const [a] = nodes;
    const target = endPoint(a?.address ?? '');
    const value = joined([encodeCommand({ tag: 'get', key: Buffer.from('k') })]);
    const messages: RsmMessage[] = [
      { tag: 'open', nonce: 1, ordered: false },
      { tag: 'open', nonce: 2, ordered: false },
      { tag: 'request', session: 1, seqno: 1, floor: 1, value },
      { tag: 'statusRequest', nonce: 3 },
      { tag: 'request', session: 1, seqno: 1, floor: 1, value },
      { tag: 'request', session: 0, seqno: 1, floor: 1, value },
    ];
    const outside = messages.map((message, i) => ({ round: 14 + 20 * i, source: client, target, message }));
    const folder = rsmJournals({ outside, rounds: 150 }, 1, { sessionsMax: 1 });
    const answers = stepsOf(folder, 'a').flatMap(({ events }) =>
      events.flatMap((event) => {
        const message = event.tag === 'send' && event.target === client ? rsmCodec.decode(event.bytes) : undefined;
        return message !== undefined && E.isRight(message) ? [message.right.tag] : [];
      }),
    );
    expect(answers).toEqual(['opened', 'opened', 'reply', 'status', 'reply', 'refused']);
    expect(reportOn(folder, { every: 1 })).toMatchObject({ found: undefined, open: [], requests: 1 });
  });

  it('counts the operations of a request, not the request', () => {
    expect(reportOn(rsmJournals({}, 3))).toMatchObject({ found: undefined, open: [], requests: 36 });
  });
});

const nodes = ['a', 'b', 'c'].map((id, i) => ({ id, address: `10.0.0.${i + 1}:7000` }));

const identityIn = (node: string) => ({
  system: 'lock',
  cluster: 'test',
  application: null,
  nodes,
  parameters: { holdMs: 20 },
  node,
});

describe('an audit of journals whose chain was made anew', () => {
  it('finds a removed send, and says what the protocol would have sent', () => {
    const { folder, step } = withReply((events) => events.filter((e) => !isReply(e)));
    const { found } = reportOn(folder);
    expect(found).toMatchObject({ code: 'SENDS_MISMATCH', node: 'a', step });
    expect(JSON.stringify(found?.evidence.nearestAllowedStep)).toContain('reply');
    expect(found?.shown?.events.join()).toContain('receive from');
  });

  it('finds a changed payload where it was sent', () => {
    const bytes = rsmCodec.encode({ tag: 'reply', session: 0, seqno: 1, value: Buffer.from('other') });
    const { folder, step } = withReply((events) => events.map((e) => (isReply(e) ? { ...e, bytes } : e)));
    expect(reportOn(folder).found).toMatchObject({ code: 'SENDS_MISMATCH', node: 'a', step });
  });

  it('finds a changed payload where it was received: nobody sent that', () => {
    const folder = rsmJournals();
    let step = 0;
    rewrite(folder, 'b', (steps) =>
      steps.map((s) => {
        const at = s.events.findIndex((e) => {
          const message = e.tag === 'receive' ? rsmCodec.decode(e.bytes) : undefined;
          return message !== undefined && E.isRight(message) && message.right.tag === '2a';
        });
        const event = s.events[at];
        if (event?.tag !== 'receive' || step > 0) return s;
        step = s.step;
        const bytes = rsmCodec.encode({
          tag: '2a',
          ballot: { seqno: 1, proposer: 0 },
          opn: 0,
          batch: Buffer.from([1]),
        });
        return { ...s, events: s.events.with(at, { ...event, bytes }) };
      }),
    );
    expect(step).toBeGreaterThan(0);
    expect(reportOn(folder).found).toMatchObject({ code: 'RECEIVED_UNSENT', node: 'b', step });
  });

  it('finds a reply without its request', () => {
    const folder = rsmJournals();
    let step = 0;
    rewrite(folder, 'a', (steps) =>
      steps.map((s) => {
        if (!s.events.some((e) => e.tag === 'receive' && e.source === client) || step > 0) return s;
        step = s.step;
        return { ...s, events: s.events.filter((e) => !(e.tag === 'receive' && e.source === client)), actions: [] };
      }),
    );
    expect(reportOn(folder).found).toMatchObject({ node: 'a', step });
  });

  it('finds a step that the protocol does not allow', () => {
    const folder = lockJournals();
    rewrite(folder, 'b', (steps) => steps.map((s) => (s.step === 1 ? { ...s, actions: [{ action: 'grant' }] } : s)));
    const { found } = reportOn(folder);
    expect(found).toMatchObject({ code: 'STEP_NOT_ENABLED', node: 'b', step: 1 });
    expect(found?.evidence.nearestAllowedStep).toMatchObject({ protocolSteps: '0 of 1', releases: [] });
  });

  it("finds a message of the cluster's own that somebody else sent", () => {
    const target = endPoint('10.0.0.2:7000');
    const message = { tag: '1a', ballot: { seqno: 1, proposer: 0 } } as const;
    const folder = rsmJournals({ outside: [{ round: 5, source: client, target, message }] });
    expect(reportOn(folder).found).toMatchObject({ code: 'FOREIGN_MESSAGE', node: 'b', step: 5 });
  });
});

describe('a packet of a node that no step sent', () => {
  const cut = (ended: boolean): string => {
    const folder = rsmJournals();
    rewrite(folder, 'a', (steps) => steps.slice(0, 60), ended);
    return folder;
  };

  it('is a violation where the journal of that node is complete', () => {
    const { found } = reportOn(cut(true));
    expect(found?.code).toBe('RECEIVED_UNSENT');
    expect(found?.evidence).toMatchObject({ source: 'a' });
  });

  it('leaves the question open where the end of that journal is missing', () => {
    const { found, open } = reportOn(cut(false));
    expect(found).toBeUndefined();
    expect(open.join()).toContain('the end of the journal of a is missing');
  });

  it('leaves the question open where no journal of that node is given', () => {
    const folder = rsmJournals();
    rmSync(fileOf(folder, 'c'));
    const { found, open, notes } = reportOn(folder);
    expect(found).toBeUndefined();
    expect(open.join()).toContain('no journal of c is given');
    expect(notes.join()).toContain('No journal of c is given');
  });

  it('hides no violation of a host that is judged to the end of its journal', () => {
    const folder = cut(false);
    rewrite(folder, 'b', (steps) =>
      steps.map((s) => (s.step === 129 ? { ...s, actions: [{ action: 'truncate' }] } : s)),
    );
    expect(reportOn(folder).found).toMatchObject({ code: 'STEP_NOT_ENABLED', node: 'b', step: 129 });
  });
});

const lockBytes = (nonce: number): Uint8Array =>
  lockCodec.encode({ tag: 'statusRequest', nonce } satisfies LockMessage);

/** A journal of one step, which receives a packet of `other` and sends one to it. */
const gossip = (folder: string, id: string, other: string, ended: boolean): void => {
  const address = endPoint(nodes.find((n) => n.id === other)?.address ?? '');
  const [mine, theirs] = id < other ? [1, 2] : [2, 1];
  const writer = journalWriter(folder, identityIn(id));
  const receive: StepEvent = { tag: 'receive', source: address, bytes: lockBytes(theirs) };
  const send: StepEvent = { tag: 'send', target: address, bytes: lockBytes(mine) };
  writer.append({ step: 1, events: [receive, send], actions: [], touches: [] });
  if (ended) writer.end('over');
  else writer.flush();
};

describe('packets that were received before they were sent', () => {
  it.each([true, false])('are a cycle, whether the journals are complete (%s) or not', (ended) => {
    const folder = newFolder();
    gossip(folder, 'a', 'b', ended);
    gossip(folder, 'b', 'a', ended);
    const { found } = reportOn(folder);
    expect(found?.code).toBe('CAUSAL_CYCLE');
    expect(JSON.stringify(found?.evidence.cycle)).toContain('step 1 of a received what step 1 of b sent');
  });
});

/** The lock with another idea of what holds. */
const lockWith = (change: (model: ReturnType<typeof lockCluster>) => ReturnType<typeof lockCluster>): Audits =>
  auditsOf({ ...lockAudit, model: (constants) => change(lockCluster(constants)) });

describe('the checks of the whole cluster', () => {
  const report = (audits: Audits, every = 7) => {
    const audited = auditFolder(lockJournals(), { every }, audits);
    return E.isRight(audited) ? audited.right.found : undefined;
  };
  const broken = () => violated('INVARIANT', 'nothing is ever granted');

  it('are made on every protocol step', () => {
    const never = lockWith((model) => ({
      ...model,
      invariants: [
        {
          name: 'nothing is ever granted',
          source: 'test',
          check: () => E.right(undefined),
          checkChange: (_, { sends }) =>
            sends.some((p) => p.message.tag === 'transfer') ? broken() : E.right(undefined),
        },
      ],
    }));
    expect(report(never)).toMatchObject({ code: 'INVARIANT', node: 'a', rule: 'nothing is ever granted' });
  });

  it('are made from scratch every so many steps', () => {
    const never = lockWith((model) => ({
      ...model,
      invariants: [{ name: 'never', source: 'test', check: broken, checkChange: () => E.right(undefined) }],
    }));
    expect(report(never)).toMatchObject({ code: 'INVARIANT', node: 'cluster' });
  });

  it('include the refinement of the service', () => {
    const wrong = lockWith((model) => ({
      ...model,
      refinement: { ...model.refinement, steps: () => [{ holder: client }] },
    }));
    expect(report(wrong)).toMatchObject({ code: 'SPEC_STEP_REFUSED' });
  });

  it('include the correspondence of packets', () => {
    const silent = lockWith((model) => ({ ...model, refinement: { ...model.refinement, steps: () => [] } }));
    expect(report(silent)).toMatchObject({ code: 'LOCKED_UNJUSTIFIED' });
  });
});

describe('what cannot be audited', () => {
  it('is a file that is no journal', () => {
    const folder = lockJournals();
    writeFileSync(fileOf(folder, 'd'), 'no journal');
    expect(mistakesIn(folder)).toEqual([`${fileOf(folder, 'd')} cannot be audited: it is not a journal of a node.`]);
  });

  it('is a journal of another version', () => {
    const folder = lockJournals();
    const bytes = readFileSync(fileOf(folder, 'a'));
    bytes.writeUInt16BE(7, 6);
    writeFileSync(fileOf(folder, 'a'), bytes);
    expect(mistakesIn(folder).join()).toContain('it is of version 7, and only version 1 can be read');
  });

  it('is a mixture of two clusters or configurations', () => {
    const mixed = (change: object): string => {
      const folder = lockJournals();
      rmSync(fileOf(folder, 'c'));
      journalWriter(folder, { ...identityIn('c'), ...change }).end('over');
      return mistakesIn(folder).join();
    };
    expect(mixed({ cluster: 'other' })).toContain('is of the cluster "other"');
    expect(mixed({ system: 'ironrsm' })).toContain('is of the system "ironrsm"');
    expect(mixed({ parameters: { holdMs: 21 } })).toContain('different configurations');
  });

  it('is a node that is not in its cluster, and a folder without journals', () => {
    const folder = newFolder();
    expect(mistakesIn(folder).join()).toContain('There is no journal');
    journalWriter(folder, identityIn('z')).end('over');
    expect(mistakesIn(folder).join()).toContain('is of node "z", which its cluster does not have');
    expect(mistakesIn(join(folder, 'missing')).join()).toContain('ENOENT');
  });

  it('is a node with two lives', () => {
    const folder = lockJournals();
    journalWriter(folder, identityIn('b')).end('over');
    expect(mistakesIn(folder).join()).toContain('The journals of node "b" are of 2 lives');
  });

  it('is a journal from the middle, of which the base is named', () => {
    const folder = rsmJournals({ fileBytesMax: 4096 });
    rmSync(fileOf(folder, 'b', 1));
    expect(mistakesIn(folder).join()).toMatch(/The journal of node "b" begins at step \d+ \(file 2/);
  });

  it('is a file that is given twice', () => {
    const folder = lockJournals();
    copyFileSync(fileOf(folder, 'a'), join(folder, 'copy.journal'));
    expect(mistakesIn(folder).join()).toContain('File 1 of node "a" is given twice');
  });

  it('is a recovery, and a journal without any step', () => {
    const folder = lockJournals();
    rewrite(folder, 'a', (steps) => steps.slice(0, 0), false);
    const writer = journalWriter(newFolder(), identityIn('a'));
    writer.end('over');
    expect(reportOn(folder).open.join()).toContain('the end of the journal of a is missing');
    const empty = newFolder();
    journalWriter(empty, identityIn('a')).end('over');
    expect(reportOn(empty).open).toEqual(['The journals hold no step.']);
    const recovered = newFolder();
    const again = journalWriter(recovered, identityIn('a'));
    again.mark('recovered', 12);
    expect(reportOn(recovered).open.join()).toContain('recovered from the state after step 12');
  });
});

describe('missing files', () => {
  it('in the middle break the chain: a violation', () => {
    const folder = rsmJournals({ fileBytesMax: 4096 });
    rmSync(fileOf(folder, 'b', 2));
    const { found } = reportOn(folder);
    expect(found).toMatchObject({ code: 'JOURNAL_GAP', node: 'b' });
    expect(found?.evidence.why).toBe('file 3 follows file 1');
  });

  it('at the end leave the question open', () => {
    const folder = rsmJournals({ fileBytesMax: 12_000 });
    let last = 1;
    for (let file = 2; file < 100; file++) {
      try {
        readFileSync(fileOf(folder, 'b', file));
        last = file;
      } catch {
        break;
      }
    }
    expect(last).toBeGreaterThan(1);
    rmSync(fileOf(folder, 'b', last));
    const { found, open } = reportOn(folder);
    expect(found).toBeUndefined();
    expect(open.join()).toContain('The journal of b is cut off');
  });
});
