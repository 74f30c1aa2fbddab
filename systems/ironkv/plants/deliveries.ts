/** Bugs of single delivery, and of who may use it. */
import type { Plant } from '../../../src/refinement/plant.js';
import { amongHosts, host, hostFile, hunt, live, protocol } from './places.js';

/** In the order of their numbers. */
export const deliveryPlants: readonly Plant[] = [
  {
    id: 'K1',
    title: 'a duplicate delegate is applied again: its pairs overwrite those of the keys that the host owns',
    seenIn: 'Chapar C1',
    planted: 'protocol and host',
    checks: ['REF'],
    patches: [
      {
        file: protocol('deliveries'),
        find: 'if (seqno <= peer.received) return ack(s, peer.received);',
        replace: `if (seqno <= peer.received) {
          const mine = ({ key }) => s.map.findLast(({ lo }) => lo <= textOfKey(key)).host === s.constants.index;
          return ack(withPairs(s, (body.pairs ?? []).filter(mine)), peer.received);
        }`,
      },
      {
        file: host('deliveries'),
        find: 'return isNext ? body : undefined;',
        replace: 'return isNext ? body : { ...body, again: true };',
      },
      {
        file: hostFile,
        find: 'this.#sessions.learn(body.horizons, body.sessions);',
        replace: `if (body.again) {
          for (const { key, value } of body.pairs ?? []) {
            const text = textOfKey(key);
            if (this.#map.hostAt(this.#map.positionOf(text)) !== this.#cluster.myIndex) continue;
            this.#table.set(text, new Uint8Array(value));
            this.#scope.touchAt('table', text);
          }
          return;
        }
        this.#sessions.learn(body.horizons, body.sessions);`,
      },
    ],
    hunt,
  },
  {
    id: 'K3',
    title: 'a lost delegate is not sent again',
    seenIn: 'Chapar C2',
    planted: 'protocol and host',
    checks: ['LIVE'],
    patches: [
      { file: protocol('deliveries'), find: 'if (!progressed) {', replace: 'if (false) {' },
      { file: host('deliveries'), find: 'peer.unacked.slice(0, resendMax).entries()', replace: '[].entries()' },
    ],
    hunt: live,
  },
  {
    id: 'K3b',
    title: 'pieces are sent however many bytes are unacked',
    seenIn: 'IronKV',
    planted: 'protocol and host',
    checks: ['INV'],
    patches: [
      { file: protocol('deliveries'), find: '|| !hasRoomForBytes(s, peer)', replace: '' },
      {
        file: host('deliveries'),
        find: 'return this.hasRoom(index) && this.peer(index).unackedBytes <',
        replace: 'return this.hasRoom(index) && 0 <',
      },
    ],
    hunt,
  },
  {
    id: 'K4',
    title: 'accepts a sequence number beyond the last one + 1',
    seenIn: 'folklore',
    planted: 'host',
    checks: ['RC'],
    patches: [
      { file: host('deliveries'), find: 'if (seqno > peer.received + 1) return undefined;', replace: '' },
      {
        file: host('deliveries'),
        find: 'const isNext = seqno === peer.received + 1;',
        replace: 'const isNext = seqno > peer.received;',
      },
    ],
    hunt: amongHosts,
  },
  {
    id: 'K6',
    title: 'an ack overruns what was received',
    seenIn: 'folklore',
    planted: 'host',
    checks: ['RC'],
    patches: [
      {
        file: host('deliveries'),
        find: "{ tag: 'ack', seqno: peer.received }",
        replace: "{ tag: 'ack', seqno: peer.received + 1 }",
      },
    ],
    hunt: amongHosts,
  },
  {
    id: 'K7',
    title: 'takes a delegate from someone who is no host, as if the first other host had sent it',
    seenIn: 'folklore',
    planted: 'host',
    checks: ['SEC'],
    patches: [
      {
        file: hostFile,
        find: 'const sender = this.#cluster.indexOf.get(source);',
        replace: `const sender = this.#cluster.indexOf.get(source) ??
          (message.tag === 'deliver' ? (this.#cluster.myIndex === 0 ? 1 : 0) : undefined);`,
      },
    ],
    hunt,
  },
  {
    id: 'K8',
    title: 'takes a shard from any client',
    seenIn: "IronFleet's IronKV",
    planted: 'host',
    checks: ['SEC'],
    patches: [
      {
        file: host('mover'),
        find: 'if (!this.#cluster.indexOf.has(source) && !this.#cluster.administrators.has(source))',
        replace: 'if (false)',
      },
    ],
    hunt,
  },
];
