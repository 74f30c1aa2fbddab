/** The audit of IronKV's journals: ranges that move, what may be forgotten meanwhile, and what somebody changed. */
import { afterEach, describe, expect, it } from 'vitest';
import type { StepEvent, StepRecord } from '../../../src/network/step-io.js';
import { type Audits, auditsOf } from '../../../src/refinement/audit.js';
import { violated } from '../../../src/spec/check.js';
import { endPoint } from '../../../src/spec/endpoint.js';
import { E } from '../../../src/spec/prelude.js';
import { ironkvAudit } from '../../../systems/ironkv/audit.js';
import { type KvMessage, kvCodec } from '../../../systems/ironkv/index.js';
import {
  auditFolder,
  client,
  kvHosts,
  kvJournals,
  kvShard,
  kvWrite,
  removeFolders,
  reportOn,
  rewrite,
  stepsOf,
  toKvHost,
} from './journaled-cluster.js';

afterEach(removeFolders);

const stranger = endPoint('10.9.9.9:9000');

const messageIn = (event: StepEvent): KvMessage | undefined => {
  if (event.tag !== 'send' && event.tag !== 'receive') return undefined;
  const message = kvCodec.decode(event.bytes);
  return E.isRight(message) ? message.right : undefined;
};

const isOf = (event: StepEvent, kind: StepEvent['tag'], tag: KvMessage['tag']): boolean =>
  event.tag === kind && messageIn(event)?.tag === tag;

/** The journal of `id`, with the first event of this kind and message changed in all that `change` says. */
const withEvent = (
  folder: string,
  id: string,
  [kind, tag]: readonly ['send' | 'receive', KvMessage['tag']],
  change: (event: StepEvent, message: KvMessage) => readonly StepEvent[],
): number => {
  let changed = 0;
  rewrite(folder, id, (steps) =>
    steps.map((step): StepRecord<unknown> => {
      const at = step.events.findIndex((e) => isOf(e, kind, tag));
      if (changed > 0 || at < 0) return step;
      changed = step.step;
      const event = step.events[at] as StepEvent;
      return { ...step, events: step.events.toSpliced(at, 1, ...change(event, messageIn(event) as KvMessage)) };
    }),
  );
  return changed;
};

const withMessage = (event: StepEvent, message: KvMessage): readonly StepEvent[] =>
  'bytes' in event ? [{ ...event, bytes: kvCodec.encode(message) } as StepEvent] : [event];

/** What hosts sent to an address, in words. */
const sentTo = (folder: string, id: string, address: string): readonly KvMessage[] =>
  stepsOf(folder, id).flatMap(({ events }) =>
    events.flatMap((e) => (e.tag === 'send' && e.target === address ? [messageIn(e) as KvMessage] : [])),
  );

describe('an audit of IronKV', () => {
  it('passes the journals of hosts that moved ranges while they served', () => {
    const folder = kvJournals();
    const delegates = sentTo(folder, 'a', kvHosts[1] ?? '').filter((m) => m.tag === 'deliver');
    expect(new Set(delegates.map((m) => m.tag === 'deliver' && m.seqno)).size).toBe(6);
    const report = reportOn(folder);
    expect(report).toMatchObject({ found: undefined, open: [], steps: 330, stepsChecked: 330, requests: 40 });
    expect(report.specSteps).toBe(40);
    expect(report.fullChecks).toBeGreaterThan(40);
  });

  it('passes where a host was killed, and says that its journal has no end', () => {
    const report = reportOn(kvJournals([], { killed: { c: 60 } }), { every: 1 });
    expect(report).toMatchObject({ found: undefined, open: [] });
    expect(report.notes.join()).toContain('The journal of c has no end');
  });

  it('counts a read that is asked twice as one request', () => {
    const command = { tag: 'get', key: Buffer.from('a') } as const;
    const read: KvMessage = {
      tag: 'request',
      session: { number: 0, nonce: 9 },
      seqno: 0,
      floor: 0,
      ordered: false,
      command,
    };
    const report = reportOn(kvJournals([toKvHost(5, 0, read), toKvHost(31, 0, read)]), { every: 1000 });
    expect(report).toMatchObject({ found: undefined, requests: 41, specSteps: 42 });
  });

  it('keeps of a long run what hosts still speak of, and finds the same', () => {
    const system = ironkvAudit();
    const sizes: Readonly<Record<string, number>>[] = [];
    const audits = auditsOf({
      ...system,
      forget: (retained) => {
        const spec = system.forget?.(retained) ?? retained.spec;
        const { executions, executionsOf, bodies, floors, opened, shards } = retained.history;
        let packets = 0;
        retained.keepFromOutside(() => packets++ >= 0);
        sizes.push({
          ...{ executions: executions.size, keys: executionsOf.size, bodies: bodies.size, floors: floors.size },
          ...{ opened: opened.size, shards: shards.size, packets },
          ...{ table: spec.table.size, executed: spec.executed.size, outcomes: spec.outcomes.size },
        });
        return spec;
      },
    });
    expect(auditFolder(kvJournals(), { every: 1 }, audits)).toMatchObject(
      E.right({ found: undefined, open: [], requests: 40, stepsChecked: 330 }),
    );
    // One session; each host remembers at most the record that it heard of last.
    const highest = (name: string): number => Math.max(...sizes.map((s) => s[name] ?? 0));
    expect(highest('executed')).toBeLessThanOrEqual(4);
    expect(highest('executed')).toBeGreaterThan(1);
    expect(sizes.at(-1)).toEqual({
      ...{ executions: 1, keys: 2, bodies: 0, floors: 1, opened: 0, shards: 3, packets: 0 },
      ...{ table: 8, executed: 3, outcomes: 3 },
    });
  });

  it('knows what came again after it forgot it: requests, their floors, orders and openings', () => {
    const late = [
      toKvHost(100, 0, kvWrite(0)),
      toKvHost(101, 1, kvWrite(2)),
      toKvHost(102, 0, { tag: 'open', nonce: 7 }),
      toKvHost(103, 0, kvShard(1, 'c', null, 1)),
      toKvHost(104, 1, kvShard(1, 'c', null, 0)),
      toKvHost(105, 2, kvWrite(39)),
    ];
    expect(reportOn(kvJournals(late), { every: 1 })).toMatchObject({ found: undefined, open: [], requests: 40 });
  });

  it('knows a request that came again, of a session that was forgotten because no host stored it', () => {
    const command = { tag: 'set', key: Buffer.from('d'), value: Buffer.from('1'), when: 'always' } as const;
    const session = { number: 256, nonce: 1 };
    const request: KvMessage = { tag: 'request', session, seqno: 3, floor: 3, ordered: false, command };
    // The second host redirects it, and executes it much later, when it owns the key.
    const folder = kvJournals([toKvHost(6, 1, request), toKvHost(90, 1, request)]);
    expect(sentTo(folder, 'b', client).filter((m) => 'session' in m && m.session.number === 256)).toMatchObject([
      { tag: 'redirect' },
      { tag: 'reply' },
    ]);
    expect(reportOn(folder, { every: 1 })).toMatchObject({ found: undefined, open: [], requests: 41 });
  });
});

describe("an audit of IronKV's journals whose chain was made anew", () => {
  it('finds a delegate that was not sent', () => {
    const folder = kvJournals();
    const step = withEvent(folder, 'a', ['send', 'deliver'], () => []);
    expect(reportOn(folder).found).toMatchObject({ code: 'SENDS_MISMATCH', node: 'a', step });
  });

  it('finds a pair that was left out of a delegate', () => {
    const folder = kvJournals();
    const step = withEvent(folder, 'a', ['send', 'deliver'], (event, m) =>
      m.tag === 'deliver' && m.body.tag === 'delegate'
        ? withMessage(event, { ...m, body: { ...m.body, pairs: m.body.pairs.slice(1) } })
        : [event],
    );
    expect(reportOn(folder).found).toMatchObject({ code: 'SENDS_MISMATCH', node: 'a', step });
  });

  it('finds a value that was changed on its way: nobody sent that', () => {
    const folder = kvJournals();
    const step = withEvent(folder, 'b', ['receive', 'deliver'], (event, m) => {
      if (m.tag !== 'deliver' || m.body.tag !== 'delegate') return [event];
      const pairs = m.body.pairs.map(({ key }) => ({ key, value: Buffer.from('100') }));
      return withMessage(event, { ...m, body: { ...m.body, pairs } });
    });
    expect(reportOn(folder).found).toMatchObject({ code: 'RECEIVED_UNSENT', node: 'b', step });
  });

  it('finds a reply with another outcome', () => {
    const folder = kvJournals();
    const step = withEvent(folder, 'a', ['send', 'reply'], (event, m) =>
      m.tag === 'reply' ? withMessage(event, { ...m, outcome: { tag: 'number', number: 2 } }) : [event],
    );
    expect(reportOn(folder).found).toMatchObject({ code: 'SENDS_MISMATCH', node: 'a', step });
  });

  it('finds a reply without its request', () => {
    const folder = kvJournals();
    const step = withEvent(folder, 'a', ['receive', 'request'], () => []);
    expect(reportOn(folder).found).toMatchObject({ node: 'a', step });
  });

  it('finds an ack of what was not received', () => {
    const folder = kvJournals();
    const step = withEvent(folder, 'a', ['receive', 'ack'], (event, m) =>
      m.tag === 'ack' ? withMessage(event, { ...m, seqno: m.seqno + 100 }) : [event],
    );
    expect(reportOn(folder).found).toMatchObject({ code: 'RECEIVED_UNSENT', node: 'a', step });
  });

  it('finds an order that somebody without the right gave', () => {
    const folder = kvJournals();
    const step = withEvent(folder, 'a', ['receive', 'shard'], (event) => [{ ...event, source: stranger } as StepEvent]);
    expect(reportOn(folder).found).toMatchObject({ code: 'STEP_NOT_ENABLED', node: 'a', step });
  });

  it('finds a body that somebody who is no host sent', () => {
    const message: KvMessage = { tag: 'deliver', seqno: 1, body: { tag: 'inform', horizons: [], sessions: [] } };
    const { found } = reportOn(kvJournals([toKvHost(9, 1, message, client)]));
    expect(found).toMatchObject({ code: 'FOREIGN_MESSAGE', node: 'b', step: 9 });
  });

  it('reads from the journals who may give orders', () => {
    const folder = kvJournals();
    for (const id of ['a', 'b', 'c']) rewrite(folder, id, (steps) => steps, true, { administrators: [stranger] });
    expect(reportOn(folder).found).toMatchObject({ code: 'STEP_NOT_ENABLED', node: 'a' });
  });
});

/** IronKV with another idea of what holds. */
const kvWith = (change: (model: ReturnType<ReturnType<typeof ironkvAudit>['model']>) => typeof model): Audits => {
  const system = ironkvAudit();
  return auditsOf({ ...system, model: (constants) => change(system.model(constants)) });
};

describe('the checks of the whole cluster of IronKV', () => {
  const foundBy = (audits: Audits) => {
    const report = auditFolder(kvJournals(), {}, audits);
    return E.isRight(report) ? report.right.found : undefined;
  };
  const never = 'no range is ever moved';

  it('are made on every protocol step', () => {
    const audits = kvWith((model) => ({
      ...model,
      invariants: model.invariants.map((invariant) => ({
        ...invariant,
        checkChange: (_, { before, after }) =>
          before?.map === after?.map ? E.right(undefined) : violated('INVARIANT', never),
      })),
    }));
    expect(foundBy(audits)).toMatchObject({ code: 'INVARIANT', node: 'a', rule: never });
  });

  it('are made from scratch every so many steps', () => {
    const audits = kvWith((model) => ({
      ...model,
      invariants: model.invariants.map((invariant) => ({
        ...invariant,
        check: ({ hosts }) =>
          [...hosts.values()].every(({ map }) => map.length === 1) ? E.right(undefined) : violated('INVARIANT', never),
      })),
    }));
    expect(foundBy(audits)).toMatchObject({ code: 'INVARIANT', node: 'cluster', rule: never });
  });

  it('include the refinement of the service', () => {
    const twice = kvWith((model) => ({
      ...model,
      refinement: {
        ...model.refinement,
        steps: (...args) => model.refinement.steps(...args).flatMap((step) => [step, step]),
      },
    }));
    expect(foundBy(twice)).toMatchObject({ code: 'SPEC_STEP_REFUSED', node: 'a' });
  });

  it('include the correspondence of packets', () => {
    const silent = kvWith((model) => ({ ...model, refinement: { ...model.refinement, steps: () => [] } }));
    expect(foundBy(silent)).toMatchObject({ code: 'REPLY_UNJUSTIFIED', node: 'a' });
  });
});
