/** Bugs of ranges on the move. */
import type { Plant } from '../../../src/refinement/plant.js';
import { host, hostFile, hunt, invariantsFile, live, protocol, specFile } from './places.js';

/** As the protocol: what is to go to nobody waits for ever. */
const peersAlone = {
  file: host('deliveries'),
  find: 'return this.peer(index).unacked.length <',
  replace: 'return this.peers.has(index) && this.peer(index).unacked.length <',
};

const ownership: readonly Plant[] = [
  {
    id: 'K2',
    title: 'the sender still serves after delegating',
    seenIn: 'folklore',
    planted: 'protocol and host',
    checks: ['INV'],
    patches: [
      { file: protocol('deliveries'), find: 'map: given(s.map, { lo: next, hi }, move.recipient),', replace: '' },
      { file: host('mover'), find: 'map.assign(lo, hi, recipient);', replace: '' },
    ],
    hunt,
  },
  {
    id: 'K9',
    title: 'the owner guard is missing: a range that is not owned is moved',
    seenIn: "IronFleet's IronKV, caught by its proof",
    planted: 'protocol and host',
    checks: ['INV'],
    patches: [
      {
        file: protocol('shards'),
        find: "if (!ownsAll(s.map, { lo, hi }, s.constants.index)) return 'NOT_OWNER';",
        replace: '',
      },
      {
        file: host('mover'),
        find: "if (!this.#holdings.map.ownsAll(this.#cluster.myIndex, lo, hi)) return 'NOT_OWNER';",
        replace: '',
      },
    ],
    hunt,
  },
  {
    id: 'K9b',
    title: 'the recipient guard is missing: a range is moved to its owner',
    seenIn: "IronFleet's IronKV, caught by its proof",
    planted: 'protocol and host; nothing is sent to who is no peer',
    checks: ['INV'],
    patches: [
      { file: protocol('shards'), find: "if (recipient === s.constants.index) return 'SAME_HOST';", replace: '' },
      { file: host('mover'), find: "if (recipient === this.#cluster.myIndex) return 'SAME_HOST';", replace: '' },
      peersAlone,
    ],
    hunt,
  },
  {
    id: 'K9c',
    title: 'the recipient guard is missing: a range is moved to somebody who is no host',
    seenIn: "IronFleet's IronKV, caught by its proof",
    planted: 'protocol and host; nothing is sent to who is no peer',
    checks: ['INV'],
    patches: [
      { file: protocol('shards'), find: "if (recipient < 0) return 'UNKNOWN_HOST';", replace: '' },
      {
        file: host('mover'),
        find: 'this.#cluster.indexOf.get(shard.recipient);',
        replace: 'this.#cluster.indexOf.get(shard.recipient) ?? -1;',
      },
      peersAlone,
    ],
    hunt,
  },
  {
    id: 'K13',
    title: 'overlap after splits: what is above the range in its last entry goes with it',
    seenIn: 'folklore',
    planted: 'protocol and host',
    checks: ['INV'],
    patches: [
      {
        file: protocol('delegation-map'),
        find: 'if (hi !== null && head !== undefined)',
        replace: 'if (hi !== null && head !== undefined && head.lo === hi)',
      },
      { file: host('delegation-map'), find: 'if (rest !== host) {', replace: 'if (false) {' },
      {
        file: host('delegation-map'),
        find: '} else if (this.#hosts[to] === host) to++;',
        replace: '} if (this.#hosts[to] === host) to++;',
      },
    ],
    hunt,
  },
];

const contents: readonly Plant[] = [
  {
    id: 'K10',
    title: 'range boundary off by one: the key equal to the lower bound of a piece is left out of it',
    seenIn: 'folklore',
    planted: 'protocol and host',
    checks: ['REF'],
    patches: [
      {
        file: protocol('deliveries'),
        find: 'pairs, horizons: s.horizons, sessions: news.map(knowledgeOf),',
        replace:
          'pairs: pairs.filter((_, i) => texts[i] !== next), horizons: s.horizons, sessions: news.map(knowledgeOf),',
      },
      {
        file: host('mover'),
        find: 'pairs, horizons: sessions.horizons.slice(),',
        replace: 'pairs: pairs.filter((_, i) => texts[i] !== lo), horizons: sessions.horizons.slice(),',
      },
    ],
    hunt,
  },
  {
    id: 'K11',
    title: 'deleted keys come back: who takes a range back finds the pairs that it once gave away',
    seenIn: 'folklore',
    planted: 'protocol and host',
    checks: ['REF'],
    patches: [
      {
        file: protocol('deliveries'),
        find: '...withoutPairs(s, texts),',
        replace: '...withoutPairs(s, texts), kept: [...(s.kept ?? []), ...pairs],',
      },
      {
        file: protocol('deliveries'),
        find: 'return withPairs({ ...knowing, map: given(knowing.map, range, s.constants.index) }, body.pairs);',
        replace: `const told = new Set(body.pairs.map(({ key }) => textOfKey(key)));
          const isBack = ({ key }) => {
            const text = textOfKey(key);
            return !told.has(text) && text >= range.lo && isAbove(range.hi, text);
          };
          const pairs = [...(s.kept ?? []).filter(isBack), ...body.pairs];
          return withPairs({ ...knowing, map: given(knowing.map, range, s.constants.index) }, pairs);`,
      },
      // A write makes the new state field by field.
      { file: protocol('sessions'), find: 'shards: s.shards,', replace: 'shards: s.shards, kept: s.kept,' },
      {
        file: host('mover'),
        find: 'map.assign(lo, hi, recipient);',
        replace: 'map.assign(lo, hi, recipient); (table.kept ??= []).push(...pairs);',
      },
      {
        file: hostFile,
        find: 'for (const { key, value } of body.pairs) {',
        replace: `const told = new Set(body.pairs.map(({ key }) => textOfKey(key)));
          const isBack = ({ key }) => {
            const text = textOfKey(key);
            const below = body.hi === null || text < textOfKey(body.hi);
            return !told.has(text) && text >= textOfKey(body.lo) && below;
          };
          for (const { key, value } of [...(this.#table.kept ?? []).filter(isBack), ...body.pairs]) {`,
      },
    ],
    hunt,
  },
  {
    id: 'K12',
    title: 'a large range is silently not moved: one of more than two keys',
    seenIn: "IronFleet's IronKV, 62 keys",
    planted: 'protocol and host',
    checks: ['LIVE'],
    patches: [
      {
        file: protocol('deliveries'),
        find: 'const { texts, pairs, following } = firstPairs(s, next, move.hi);',
        replace: `let count = 0;
          for (const key of s.table.keysFrom(next)) if (isAbove(move.hi, key)) count++;
          if (count > 2) return undefined;
          const { texts, pairs, following } = firstPairs(s, next, move.hi);`,
      },
      {
        file: host('mover'),
        find: 'const { sessions, deliveries } = this.#holdings; const { sessionsPerMessageMax }',
        replace: `const { sessions, deliveries, table } = this.#holdings;
          let count = 0;
          for (const [text] of table.from(move.next)) if (move.hi === null || text < move.hi) count++;
          if (count > 2) return;
          const { sessionsPerMessageMax }`,
      },
    ],
    hunt: live,
  },
  {
    id: 'K14',
    title: 'a retry at the new owner executes again: delegates tell of no session',
    seenIn: 'folklore',
    planted:
      'protocol and host, without the invariants on what is known and on order, and with a service that forgets what it executed, as IronFleet states it',
    checks: ['LIN'],
    patches: [
      {
        file: protocol('deliveries'),
        find: 'horizons: s.horizons, sessions: news.map(knowledgeOf),',
        replace: 'horizons: s.horizons, sessions: [],',
      },
      {
        file: host('mover'),
        find: 'horizons: sessions.horizons.slice(), sessions: news.map(knowledgeOf),',
        replace: 'horizons: sessions.horizons.slice(), sessions: [],',
      },
      {
        file: invariantsFile,
        find: 'orderIsKept, recordsAreTrue, toldIsTold, executedIsKnown, ];',
        replace: 'recordsAreTrue, ];',
      },
      {
        file: specFile,
        find: 'if (isWrite(command) && state.executed.has(write)) return O.none;',
        replace: '',
      },
    ],
    hunt,
  },
];

/** In the order of topics. */
export const rangePlants: readonly Plant[] = [...ownership, ...contents];
