/** Bugs of elections and of the shell around the protocol. */
import type { Plant } from '../../../src/refinement/plant.js';
import { host, hostFile, long, protocol, quick } from './places.js';

const elections: readonly Plant[] = [
  {
    id: 'R42',
    title: 'an election storm: one suspicion ends a view, and epochs never grow longer',
    seenIn: 'Cloudflare 2020',
    planted: 'protocol and host',
    checks: ['LIVE'],
    patches: [
      {
        file: protocol('election'),
        find: 'e.suspectors.length < quorumOf(s.constants)',
        replace: 'e.suspectors.length < 1',
      },
      {
        file: host('election'),
        find: 'this.#suspectors.length < this.#cluster.quorum',
        replace: 'this.#suspectors.length < 1',
      },
      {
        file: protocol('election'),
        find: 'Math.min(2 * e.epochLengthMs, c.configuration.parameters.viewTimeoutMsMax)',
        replace: 'e.epochLengthMs',
      },
      {
        file: host('election'),
        find: 'Math.min(add(this.epochLengthMs, this.epochLengthMs), this.#cluster.parameters.viewTimeoutMsMax)',
        replace: 'this.epochLengthMs',
      },
    ],
    hunt: long,
  },
  {
    id: 'R43',
    title: 'an isolated replica inflates the ballot: it changes views alone, and no other follows so far',
    seenIn: 'etcd 9241',
    planted: 'protocol and host',
    checks: ['LIVE'],
    patches: [
      {
        file: protocol('election'),
        find: 'e.suspectors.length < quorumOf(s.constants)',
        replace: 'e.suspectors.length < 1',
      },
      {
        file: host('election'),
        find: 'this.#suspectors.length < this.#cluster.quorum',
        replace: 'this.#suspectors.length < 1',
      },
      { file: protocol('election'), find: 'if (order < 0) return seen;', replace: 'if (order !== 0) return seen;' },
      { file: host('election'), find: 'if (order > 0) this.#enterView', replace: 'if (order > 1) this.#enterView' },
    ],
    hunt: long,
  },
];

const shell: readonly Plant[] = [
  {
    id: 'R45',
    title: 'a message larger than a datagram is dropped instead of chunked',
    seenIn: 'Fonseca et al., EuroSys 2017, V6 and V7',
    planted: 'the sender of the network layer; datagrams of 256 bytes, so that small states are too large',
    checks: ['LIVE'],
    patches: [
      {
        file: 'src/network/sender.js',
        find: 'this.#emitChunks(outbox, message);',
        replace: 'this.#parts.counters.sendsTooLarge++;',
      },
      {
        file: 'src/refinement/simulation/simulated-node.js',
        find: 'datagramBytesMax: 1400',
        replace: 'datagramBytesMax: 256',
      },
    ],
    hunt: long,
  },
  {
    id: 'R46',
    title: 'a message for another role crashes the replica',
    seenIn: 'TigerBeetle viewstamped replication 9',
    planted: 'host',
    checks: ['SEC'],
    patches: [
      {
        file: hostFile,
        find: 'const sender = this.#cluster.indexOf.get(source);',
        replace:
          "if (message.tag === 'reply') throw new Error('a replica takes no reply'); const sender = this.#cluster.indexOf.get(source);",
      },
    ],
    hunt: quick,
  },
  {
    id: 'R47',
    title: 'a send before the last receive of a step: the host looks for more after it has acted',
    seenIn: 'IronFleet',
    planted: 'host',
    checks: ['RED'],
    patches: [
      { file: hostFile, find: 'io.receiveAll(this.#cluster.parameters.receiveMax)', replace: 'io.receiveAll(1)' },
      {
        file: hostFile,
        find: 'this.#unfinished = !this.#scheduler.run();',
        replace: `for (const [i, packet] of io.receiveAll(64).entries()) {
            io.record(this.#received.at(packets.length + i));
            this.#process(packet.source, packet.message);
          }
          this.#drain();
          this.#unfinished = !this.#scheduler.run();`,
      },
    ],
    hunt: quick,
  },
];

/** In the order of their numbers. */
export const shellPlants: readonly Plant[] = [...elections, ...shell];
