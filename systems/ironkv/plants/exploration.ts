/**
 * Known bugs of sharded stores, planted in IronKV's protocol alone, for the explorer: each with the smallest bounds that show it. The
 * judge of a node is of no help against them, since the protocol is what it judges by.
 */
import type { ExplorationPlant } from '../../../src/refinement/plant.js';
import { invariantsFile, protocol } from './places.js';

const protocolFile = 'systems/ironkv/protocol.js';

const ofDeliveries: readonly ExplorationPlant[] = [
  {
    id: 'K1',
    title: 'a duplicate delegate is applied again',
    seenIn: 'Chapar C1',
    patches: [
      {
        file: protocol('deliveries'),
        find: 'if (seqno <= peer.received) return ack(s, peer.received);',
        replace: 'if (seqno <= peer.received) return ack(accepted(s, from, body), peer.received);',
      },
    ],
    ...{ size: 1, bound: 0 },
  },
  {
    id: 'K4',
    title: 'accepts a sequence number beyond the last one + 1',
    seenIn: 'folklore',
    patches: [
      { file: protocol('deliveries'), find: 'if (seqno !== successor(peer.received))', replace: 'if (false)' },
      { file: 'systems/ironkv/exploration.js', find: 'deliveriesMax: 1,', replace: 'deliveriesMax: 2,' },
    ],
    ...{ size: 2, bound: 0 },
  },
  {
    id: 'K6',
    title: 'an ack overruns what was received',
    seenIn: 'folklore',
    patches: [
      {
        file: protocol('deliveries'),
        find: "{ tag: 'ack', seqno: upTo }",
        replace: "{ tag: 'ack', seqno: upTo + 1 }",
      },
    ],
    ...{ size: 1, bound: 0 },
  },
  {
    id: 'K7',
    title: 'takes a delegate from someone who is no host, as if the first host had sent it',
    seenIn: 'folklore',
    patches: [
      {
        file: protocolFile,
        find: 'const from = s.constants.configuration.hosts.indexOf(packet.source);',
        replace: 'const from = Math.max(0, s.constants.configuration.hosts.indexOf(packet.source));',
      },
    ],
    ...{ size: 1, bound: 0 },
  },
];

const ofOrders: readonly ExplorationPlant[] = [
  {
    id: 'K8',
    title: 'takes a shard from any client',
    seenIn: "IronFleet's IronKV",
    patches: [
      {
        file: protocol('shards'),
        find: 'if (!hosts.includes(source) && !administrators.includes(source))',
        replace: 'if (false)',
      },
    ],
    ...{ size: 1, bound: 1 },
  },
  {
    id: 'K9',
    title: 'the owner guard is missing: a range that is not owned is moved',
    seenIn: "IronFleet's IronKV, caught by its proof",
    patches: [
      {
        file: protocol('shards'),
        find: "if (!ownsAll(s.map, { lo, hi }, s.constants.index)) return 'NOT_OWNER';",
        replace: '',
      },
    ],
    ...{ size: 1, bound: 4 },
  },
  {
    id: 'K9b',
    title: 'the recipient guard is missing: a range is moved to its owner',
    seenIn: "IronFleet's IronKV, caught by its proof",
    patches: [
      { file: protocol('shards'), find: "if (recipient === s.constants.index) return 'SAME_HOST';", replace: '' },
    ],
    ...{ size: 1, bound: 2 },
  },
  {
    id: 'K9c',
    title: 'the recipient guard is missing: a range is moved to somebody who is no host',
    seenIn: "IronFleet's IronKV, caught by its proof",
    patches: [{ file: protocol('shards'), find: "if (recipient < 0) return 'UNKNOWN_HOST';", replace: '' }],
    ...{ size: 1, bound: 3 },
  },
];

const ofRanges: readonly ExplorationPlant[] = [
  {
    id: 'K2',
    title: 'the sender still serves after delegating',
    seenIn: 'folklore',
    patches: [
      { file: protocol('deliveries'), find: 'map: given(s.map, { lo: next, hi }, move.recipient),', replace: '' },
    ],
    ...{ size: 1, bound: 0 },
  },
  {
    id: 'K10',
    title: 'range boundary off by one: the key equal to the lower bound of a piece is left out of it',
    seenIn: 'folklore',
    patches: [
      {
        file: protocol('deliveries'),
        find: 'pairs, horizons: s.horizons, sessions: news.map(knowledgeOf),',
        replace:
          'pairs: pairs.filter((_, i) => texts[i] !== next), horizons: s.horizons, sessions: news.map(knowledgeOf),',
      },
    ],
    ...{ size: 2, bound: 0 },
  },
  {
    id: 'K11',
    title: 'deleted keys come back: who takes a range back finds the pairs that it once gave away',
    seenIn: 'folklore',
    patches: [
      {
        file: protocol('deliveries'),
        find: '...withoutPairs(s, texts),',
        replace: '...withoutPairs(s, texts), kept: [...(s.kept ?? []), ...pairs],',
      },
      // A write makes the new state field by field.
      { file: protocol('sessions'), find: 'shards: s.shards,', replace: 'shards: s.shards, kept: s.kept,' },
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
    ],
    ...{ size: 3, bound: 0 },
  },
  {
    id: 'K12',
    title: 'a large range is silently not moved: one of more than one key',
    seenIn: "IronFleet's IronKV, 62 keys",
    patches: [
      {
        file: protocol('deliveries'),
        find: 'const { texts, pairs, following } = firstPairs(s, next, move.hi);',
        replace: `let count = 0;
          for (const key of s.table.keysFrom(next)) if (isAbove(move.hi, key)) count++;
          if (count > 1) return undefined;
          const { texts, pairs, following } = firstPairs(s, next, move.hi);`,
      },
    ],
    ...{ size: 2, bound: 0 },
  },
  {
    id: 'K13',
    title: 'overlap after splits: what is above the range in its last entry goes with it',
    seenIn: 'folklore',
    patches: [
      {
        file: protocol('delegation-map'),
        find: 'if (hi !== null && head !== undefined)',
        replace: 'if (hi !== null && head !== undefined && head.lo === hi)',
      },
    ],
    ...{ size: 2, bound: 0 },
  },
  {
    id: 'K14',
    title: 'a retry at the new owner executes again: delegates tell of no session',
    seenIn: 'folklore',
    patches: [
      {
        file: protocol('deliveries'),
        find: 'horizons: s.horizons, sessions: news.map(knowledgeOf),',
        replace: 'horizons: s.horizons, sessions: [],',
      },
      {
        file: invariantsFile,
        find: 'orderIsKept, recordsAreTrue, toldIsTold, executedIsKnown, ];',
        replace: 'recordsAreTrue, ];',
      },
    ],
    ...{ size: 1, bound: 0 },
  },
];

/** In the order of topics. K3 is not among them: what is lost is in the set of packets, and may arrive at any later time. */
export const ironkvExplorationPlants: readonly ExplorationPlant[] = [...ofDeliveries, ...ofOrders, ...ofRanges];
