/** Bugs of sessions, execution, replies and reads. */
import type { Patch, Plant } from '../../../src/refinement/plant.js';
import {
  counterOnly,
  drawing,
  host,
  hostFile,
  long,
  manyLosses,
  protocol,
  quick,
  shortEpochs,
  withoutFolds,
} from './places.js';

const exactlyOnce: readonly Plant[] = [
  {
    id: 'R35',
    title:
      'replies are evicted while their session lives: beyond its bytes the table drops those of the session that was idle longest',
    seenIn: "IronFleet's IronRSL, whose reply cache has 255 entries",
    planted: 'protocol and host, without the invariants on folds; few bytes of replies, the counter',
    checks: ['REF'],
    patches: [
      {
        file: protocol('machine'),
        find: 'live.delete(session);',
        replace: 'if (live.size > sessionsMax) live.delete(session); else this.#enqueue(session);',
      },
      {
        file: host('sessions'),
        find: 'this.#live.delete(id);',
        replace: 'if (this.#live.size > sessionsMax) this.#live.delete(id); else this.#pushToRing(id);',
      },
      drawing('replyBytesMax: 40'),
      counterOnly,
      ...withoutFolds,
    ],
    hunt: long,
  },
  {
    id: 'R36',
    title: 'no duplicate check at execution',
    seenIn: "IronFleet's IronRSL",
    planted: 'protocol and host, without the invariants on folds; the counter',
    checks: ['REF'],
    patches: [
      { file: protocol('machine'), find: 'if (entry !== undefined && entry.seqno === seqno)', replace: 'if (false)' },
      {
        file: host('executor'),
        find: 'const known = sessions.outcomeOf(id, seqno);',
        replace: 'const known = undefined;',
      },
      counterOnly,
      ...withoutFolds,
    ],
    hunt: long,
  },
  {
    id: 'R37',
    title: 'a kept reply answers another sequence number: the one that shares its place in the window',
    seenIn: 'folklore',
    planted: 'protocol and host; small windows',
    checks: ['REF', 'LIN'],
    patches: [
      {
        file: protocol('machine'),
        find: 'return entry?.seqno === seqno ? entry : undefined;',
        replace: 'return entry;',
      },
      {
        file: protocol('proposer'),
        find: 'if (done.digest !==',
        replace: 'if (done.seqno === seqno && done.digest !==',
      },
      {
        file: host('sessions'),
        find: 'return record?.seqno === seqno ? record : undefined;',
        replace: 'return record;',
      },
      {
        file: hostFile,
        find: 'executor.answer(client, known, requestDigest(value));',
        replace:
          'executor.answer(client, { ...known, seqno }, known.seqno === seqno ? requestDigest(value) : known.digest);',
      },
      drawing('sessionWindow: random.pick([1, 2])'),
    ],
    hunt: quick,
  },
  {
    id: 'R50',
    title: 'a session expires by the clock of each replica',
    seenIn: 'folklore',
    planted: 'protocol and host; few sessions',
    checks: ['INV', 'REF'],
    patches: [
      {
        file: protocol('executor'),
        find: 'ran(configuration, machine, requests)',
        replace: 'ran({ ...configuration, clock: s.election.epochEndMs }, machine, requests)',
      },
      {
        file: protocol('machine'),
        find: 'constructor({ app, parameters },',
        replace: 'constructor({ app, parameters, clock },',
      },
      {
        file: protocol('machine'),
        find: 'this.#parameters = parameters;',
        replace: 'this.#parameters = { ...parameters, clock };',
      },
      {
        file: protocol('machine'),
        find: 'if (s.used) {',
        replace: 'if (s.used && this.#parameters.clock % 2 === 0) {',
      },
      {
        file: host('executor'),
        find: 'this.#applyBatch(decided.batch,',
        replace: 'this.#sessions.clock = this.#peers.election.epochEndMs; this.#applyBatch(decided.batch,',
      },
      { file: host('sessions'), find: 'if (session.used) {', replace: 'if (session.used && this.clock % 2 === 0) {' },
      drawing('sessionsMax: 2'),
    ],
    hunt: quick,
  },
  {
    id: 'R51',
    title: 'the floor is not checked: a request whose outcome its client has is executed again when it comes late',
    seenIn: 'folklore',
    planted: 'protocol and host, without the invariants on folds; the counter',
    checks: ['REF'],
    patches: [
      { file: protocol('proposer'), find: 'if (seqno < live.floor) return nothing(s);', replace: '' },
      { file: protocol('machine'), find: 'if (seqno < s.floor || seqno - s.floor', replace: 'if (seqno - s.floor' },
      {
        file: protocol('election'),
        find: 'session === undefined || r.seqno < session.floor',
        replace: 'session === undefined',
      },
      { file: hostFile, find: 'if (seqno < session.floor) return;', replace: '' },
      { file: host('executor'), find: 'if (seqno < session.floor || seqno', replace: 'if (seqno' },
      { file: host('executor'), find: 'request.seqno >= session.floor &&', replace: '' },
      {
        file: host('sessions'),
        find: 'if (record === undefined) continue;',
        replace: 'if (record?.seqno !== seqno) continue;',
      },
      counterOnly,
      ...withoutFolds,
    ],
    hunt: long,
  },
  {
    id: 'R52',
    title: 'a session that was never heard of counts as expired',
    seenIn: 'folklore',
    planted: 'protocol and host',
    checks: ['REF'],
    patches: [
      { file: protocol('proposer'), find: '|| session >= sessions.nextSession', replace: '' },
      { file: hostFile, find: '|| id >= executor.nextSession', replace: '' },
    ],
    hunt: quick,
  },
];

/** The service says nothing about replies any more: only the clients' history can tell. */
const silentSpec: Patch = {
  file: 'systems/ironrsm/spec.js',
  find: "if (m.tag === 'reply') {",
  replace: "if (m.tag === 'reply') return undefined; if (m.tag === 'reply') {",
};

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
    planted: 'a local read path in protocol and host, with a spec that allows any reply',
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
    planted: 'protocol and host, without the invariants on folds; the counter',
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
      counterOnly,
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
        find: 'kept(command.value)), { tag:',
        replace: 'Buffer.from(String(Date.now()))), { tag:',
      },
    ],
    hunt: quick,
  },
  {
    id: 'R53',
    title: 'a batch is executed under another digest: a replica executes its own vote, whatever its ballot and digest',
    seenIn: 'folklore',
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
export const clientPlants: readonly Plant[] = [...exactlyOnce, ...answers, ...execution];
