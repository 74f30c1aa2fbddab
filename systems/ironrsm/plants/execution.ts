/** Bugs of replies, reads and execution. */
import type { Patch, Plant } from '../../../src/refinement/plant.js';
import {
  counterOnly,
  drawing,
  host,
  hostFile,
  manyClients,
  manyLosses,
  protocol,
  quick,
  shortEpochs,
  withoutFolds,
} from './places.js';

/** The service says nothing about replies any more: only the clients' history can tell. */
const silentSpec: Patch = {
  file: 'systems/ironrsm/spec.js',
  find: "if (m.tag === 'reply') {",
  replace: "if (m.tag === 'reply') return undefined; if (m.tag === 'reply') {",
};

/** Of the key-value application, three times out of four. */
const mostlyReads: readonly Patch[] = [
  {
    file: 'systems/ironrsm/simulation.js',
    find: 'random.chance(0.3) || scenario.counts === true',
    replace: 'false',
  },
  {
    file: 'systems/ironrsm/simulation/draw.js',
    find: 'switch (random.int(0, 4)) {',
    replace: 'switch (random.pick([0, 0, 0, 1])) {',
  },
];

/** What a value would be answered with now, and the state after it: of the protocol's machine, of the host's executor. */
const guesses: readonly Patch[] = [
  {
    file: protocol('machine'),
    find: 'class BatchRun {',
    replace: `export const guessed = ({ app }, from, value) => {
        let state = from;
        const replies = parted(value).map((operation) => {
          const applied = app.apply(state, operation);
          state = applied.state;
          return applied.reply;
        });
        return { state, reply: joined(replies) };
      };
      class BatchRun {`,
  },
  {
    file: protocol('proposer'),
    find: 'import { doneOf }',
    replace: 'import { doneOf, guessed, requestsOf }',
  },
  {
    file: host('executor'),
    find: 'decide() {',
    replace: `guessed(value) {
        let state = this.app;
        const replies = parted(value).map((operation) => {
          const applied = this.#application.apply(state, operation);
          state = applied.state;
          return applied.reply;
        });
        return { state, reply: joined(replies) };
      }
      decide() {`,
  },
];

const answers: readonly Plant[] = [
  {
    id: 'R38',
    title: 'a leader answers reads from its own state, and a deposed one still does',
    seenIn: 'etcd 20418, Xraft 40',
    planted: 'a local read path in protocol and host, with a spec that allows any reply; clients that mostly read',
    checks: ['LIN'],
    patches: [
      {
        file: protocol('proposer'),
        find: "return held(s, { tag: 'execute',",
        replace: `const local = guessed(s.constants.configuration, s.executor.machine.app, value);
          if (isLeading(s) && local.state === s.executor.machine.app) return answer({ tag: 'reply', session, seqno, value: local.reply });
          return held(s, { tag: 'execute',`,
      },
      {
        file: hostFile,
        find: "this.#hold({ tag: 'execute',",
        replace: `const local = executor.guessed(value);
          if (this.proposer.leading() && local.state === executor.app) {
            this.#scope.send(client, { tag: 'reply', session: id, seqno, value: local.reply });
            return;
          }
          this.#hold({ tag: 'execute',`,
      },
      ...guesses,
      silentSpec,
      ...mostlyReads,
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
          ...requestsOf(batch).filter((r) => r.tag === 'execute').map((r) => packetTo(s, r.client, { tag: 'reply', session: r.session,
            seqno: r.seqno, value: guessed(s.constants.configuration, s.executor.machine.app, r.value).reply }))] };`,
      },
      {
        file: host('proposer'),
        find: "this.#scope.sendToAll({ tag: '2a', ballot: this.ballot, opn, batch });",
        replace: `this.#scope.sendToAll({ tag: '2a', ballot: this.ballot, opn, batch });
          for (const { tag, client, session, seqno, value } of batchCodec.decode(batch).right) {
            if (tag === 'execute')
              this.#scope.send(client, { tag: 'reply', session, seqno, value: this.#peers.executor.guessed(value).reply });
          }`,
      },
      ...guesses,
    ],
    hunt: quick,
  },
];

const execution: readonly Plant[] = [
  {
    id: 'R40',
    title: 'half of a batch is executed',
    seenIn: 'folklore',
    planted: 'protocol and host, without the invariants on folds; large batches, the counter',
    checks: ['REF'],
    patches: [
      {
        file: protocol('machine'),
        find: 'for (const r of requests) {',
        replace: 'for (const r of requests.slice(0, Math.ceil(requests.length / 2))) {',
      },
      {
        file: host('executor'),
        find: "if (request.tag === 'open') this.#open(request, answering);",
        replace:
          "if (i >= Math.ceil(requests.length / 2)) {} else if (request.tag === 'open') this.#open(request, answering);",
      },
      drawing('batchRequestsMax: 8, pipelineMax: 1, requestsHeldMax: 64'),
      manyClients,
      counterOnly,
      ...withoutFolds,
    ],
    hunt: quick,
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
        find: 'kept(command.value)), reply',
        replace: 'Buffer.from(String(Date.now()))), reply',
      },
    ],
    hunt: quick,
  },
  {
    id: 'R53',
    title: 'a batch is executed under another digest: a replica executes its own vote, whatever its ballot and digest',
    seenIn: 'none known; votes by digest invite it',
    planted: 'host; short epochs, many losses',
    checks: ['RC'],
    patches: [
      {
        file: host('executor'),
        find: 'return mine ? vote.batch',
        replace: 'return vote !== undefined ? vote.batch',
      },
      drawing(shortEpochs),
      ...manyLosses,
    ],
    hunt: { runs: 400, steps: 1000, nodes: 5, faults: ['loss', 'reorder', 'duplicate', 'delay'] },
  },
];

/** In the order of their numbers. */
export const executionPlants: readonly Plant[] = [...answers, ...execution];
