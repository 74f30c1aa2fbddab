/** Bugs of sessions: what is executed, how often, and until when. */
import type { Plant } from '../../../src/refinement/plant.js';
import { counterOnly, drawing, host, hostFile, long, protocol, quick, withoutFolds } from './places.js';

/** In the order of their numbers. */
export const sessionPlants: readonly Plant[] = [
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
    seenIn: 'none known; sessions invite it',
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
    seenIn: 'none known; sessions invite it',
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
    seenIn: 'none known; sessions invite it',
    planted: 'protocol and host',
    checks: ['REF'],
    patches: [
      { file: protocol('proposer'), find: '|| session >= sessions.nextSession', replace: '' },
      { file: hostFile, find: '|| id >= executor.nextSession', replace: '' },
    ],
    hunt: quick,
  },
];
