/** Bugs of execution, replies and reads. */
import type { Patch, Plant } from '../../../src/refinement/plant.js';
import { host, hostFile, long, protocol, quick, withoutFolds } from './places.js';

const exactlyOnce: readonly Plant[] = [
  {
    id: 'R35',
    title: 'the reply cache evicts a live client: it keeps two clients',
    seenIn: "IronFleet's IronRSL, 255 entries",
    planted: 'protocol and host, without the invariants on folds; no cache here is bounded, so both get one',
    checks: ['REF'],
    patches: [
      {
        file: protocol('executor'),
        find: 'const { app, replies, sends } = run(s, e.decided.batch);',
        replace: `const { app, replies: all, sends } = run(s, e.decided.batch);
          let replies = all;
          for (const client of [...all.keys()].sort().slice(2)) replies = replies.delete(client);`,
      },
      {
        file: host('executor'),
        find: "if (changed) this.#scope.touch('executor.app');",
        replace: `if (changed) this.#scope.touch('executor.app');
          for (const client of [...this.replies.keys()].sort().slice(2)) {
            this.replies.delete(client);
            this.#scope.touch('executor.replies', client);
          }`,
      },
      ...withoutFolds,
    ],
    hunt: long,
  },
  {
    id: 'R36',
    title: 'no duplicate check at execution',
    seenIn: "IronFleet's IronRSL",
    planted: 'protocol and host, without the invariants on folds',
    checks: ['REF'],
    patches: [
      {
        file: protocol('executor'),
        find: 'if (answer === undefined || answer.seqno < r.seqno) {',
        replace: 'if (true) {',
      },
      {
        file: host('executor'),
        find: 'if (last === undefined || last.seqno < seqno) {',
        replace: 'if (last === undefined || last.seqno <= seqno) {',
      },
      ...withoutFolds,
    ],
    hunt: long,
  },
  {
    id: 'R37',
    title: 'a cached reply answers another sequence number',
    seenIn: 'folklore',
    planted: 'protocol and host',
    checks: ['REF', 'LIN'],
    patches: [
      {
        file: protocol('proposer'),
        find: "{ tag: 'reply', seqno: answer.seqno, value: answer.value });",
        replace: "{ tag: 'reply', seqno: r.seqno, value: answer.value });",
      },
      {
        file: protocol('proposer'),
        find: 'answer.seqno === r.seqno ? [again] : []',
        replace: '[again]',
      },
      {
        file: hostFile,
        find: "if (last.seqno === seqno) this.#scope.send(client, { tag: 'reply', seqno, value: last.value });",
        replace: "this.#scope.send(client, { tag: 'reply', seqno, value: last.value });",
      },
    ],
    hunt: quick,
  },
];

/** The service says nothing about replies any more: only the clients' history can tell. */
const silentSpec: Patch = {
  file: 'systems/ironrsm/spec.js',
  find: "if (message.tag !== 'reply' || !replicas.includes(source)) return holds;",
  replace: 'return holds;',
};

const answers: readonly Plant[] = [
  {
    id: 'R38',
    title: 'a leader answers reads from its own state, and a deposed one still does',
    seenIn: 'etcd 20418, Xraft 40',
    planted: 'a local read path in protocol and host, with a spec that allows any reply',
    checks: ['LIN'],
    patches: [
      {
        file: protocol('proposer'),
        find: 'const election = recorded(s.election, r);',
        replace: `const local = s.constants.configuration.app.apply(s.executor.app, r.value);
          if (s.proposer.phase === 'phase2' && ballotOrd.equals(s.proposer.ballot, s.election.view) && local.state === s.executor.app)
            return { state: s, sends: [packetTo(s, r.client, { tag: 'reply', seqno: r.seqno, value: local.reply })] };
          const election = recorded(s.election, r);`,
      },
      {
        file: hostFile,
        find: 'const request = { client, seqno, value };',
        replace: `const local = this.executor.read(value);
          if (this.proposer.leading() && local !== undefined) {
            this.#scope.send(client, { tag: 'reply', seqno, value: local });
            return;
          }
          const request = { client, seqno, value };`,
      },
      {
        file: host('executor'),
        find: 'decide() {',
        replace: `read(value) {
            const applied = this.#application.apply(this.app, value);
            return applied.state === this.app ? applied.reply : undefined;
          }
          decide() {`,
      },
      silentSpec,
    ],
    hunt: { runs: 300, steps: 1500, faults: ['partition', 'one-way', 'delay'] },
  },
  {
    id: 'R39',
    title: 'the leader answers when it proposes, before a quorum has voted',
    seenIn: 'folklore',
    planted: 'protocol and host',
    checks: ['LIN', 'REF'],
    patches: [
      {
        file: protocol('proposer'),
        find: "sends: toAll(s, { tag: '2a', ballot: p.ballot, opn, batch }) };",
        replace: `sends: [...toAll(s, { tag: '2a', ballot: p.ballot, opn, batch }),
          ...batch.map((r) => packetTo(s, r.client, { tag: 'reply', seqno: r.seqno,
            value: s.constants.configuration.app.apply(s.executor.app, r.value).reply }))] };`,
      },
      {
        file: host('executor'),
        find: 'decide() {',
        replace: 'guess(r) { return this.#application.apply(this.app, r.value).reply; } decide() {',
      },
      {
        file: host('proposer'),
        find: "this.#scope.sendToAll({ tag: '2a', ballot: this.ballot, opn, batch });",
        replace: `this.#scope.sendToAll({ tag: '2a', ballot: this.ballot, opn, batch });
          for (const r of batch) this.#scope.send(r.client, { tag: 'reply', seqno: r.seqno, value: this.#peers.executor.guess(r) });`,
      },
    ],
    hunt: quick,
  },
];

const execution: readonly Plant[] = [
  {
    id: 'R40',
    title: 'half of a batch is executed',
    seenIn: 'folklore',
    planted: 'protocol and host, without the invariants on folds',
    checks: ['REF'],
    patches: [
      {
        file: protocol('executor'),
        find: 'for (const r of batch) { let answer',
        replace: 'for (const r of batch.slice(0, Math.ceil(batch.length / 2))) { let answer',
      },
      {
        file: host('executor'),
        find: 'for (const request of batch) {',
        replace: `for (const { client, seqno } of batch.slice(Math.ceil(batch.length / 2))) this.#election.forget(client, seqno);
          for (const request of batch.slice(0, Math.ceil(batch.length / 2))) {`,
      },
      ...withoutFolds,
    ],
    hunt: long,
  },
  {
    id: 'R41',
    title: 'the application reads the clock',
    seenIn: 'folklore',
    planted: 'the applications, which host and judge share',
    checks: ['RC'],
    patches: [
      {
        file: 'systems/ironrsm/applications/counter.js',
        find: 'const state = successor(count);',
        replace: 'const state = successor(count) + (Date.now() % 1000);',
      },
      {
        file: 'systems/ironrsm/applications/kv.js',
        find: 'return answer(state.set(key, command.value), { tag:',
        replace: 'return answer(state.set(key, Buffer.from(String(Date.now()))), { tag:',
      },
    ],
    hunt: quick,
  },
];

/** In the order of their numbers. */
export const clientPlants: readonly Plant[] = [...exactlyOnce, ...answers, ...execution];
