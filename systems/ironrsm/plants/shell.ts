/** Bugs of elections and of the shell around the protocol. */
import type { Plant } from '../../../src/refinement/plant.js';
import { drawing, host, hostFile, live, protocol, quick } from './places.js';

const elections: readonly Plant[] = [
  {
    id: 'R42',
    title: 'an election storm: one suspicion ends a view, and each view is shorter than the one before',
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
        replace: 'Math.max(1, Math.floor(e.epochLengthMs / 2))',
      },
      {
        file: host('election'),
        find: 'Math.min(add(this.epochLengthMs, this.epochLengthMs), this.#cluster.parameters.viewTimeoutMsMax)',
        replace: 'Math.max(1, Math.floor(this.epochLengthMs / 2))',
      },
    ],
    hunt: live,
  },
  {
    id: 'R43',
    title:
      'an isolated replica inflates the ballot: it raises its promise each time that it suspects, and no view catches up',
    seenIn: 'etcd 9241',
    planted: 'protocol and host',
    checks: ['LIVE'],
    patches: [
      {
        file: protocol('election'),
        find: 'return soonHeartbeat(s, epochStarted(suspecting(e, me, true), now), now);',
        replace: `const maxBal = { seqno: s.acceptor.maxBal.seqno + 1, proposer: me };
          const inflated = { ...s, acceptor: { ...s.acceptor, maxBal } };
          return soonHeartbeat(inflated, epochStarted(suspecting(e, me, true), now), now);`,
      },
      {
        file: hostFile,
        find: 'this.election.endEpoch();',
        replace: `this.election.endEpoch();
          if (this.election.suspectors.includes(this.#cluster.myIndex)) this.acceptor.inflate();`,
      },
      {
        file: host('acceptor'),
        find: 'logEnd() {',
        replace: `inflate() { this.#raise({ seqno: this.maxBal.seqno + 1, proposer: this.#cluster.myIndex }); }
          logEnd() {`,
      },
    ],
    hunt: live,
  },
];

const shell: readonly Plant[] = [
  {
    id: 'R45',
    title: 'a message larger than a datagram is dropped instead of chunked',
    seenIn: 'Fonseca et al., EuroSys 2017, V6 and V7',
    planted:
      'the sender of the network layer; datagrams of 256 bytes and values of 150, so that small batches, promises and states are too large',
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
      {
        file: 'systems/ironrsm/simulation/draw.js',
        find: 'const digit = Buffer.from(String(random.int(0, 9)));',
        replace: 'const digit = Buffer.from(String(random.int(0, 9)).repeat(150));',
      },
      drawing('requestBytesMax: 256'),
    ],
    hunt: live,
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
        find: "case 'opened': case 'reply':",
        replace: "case 'reply': throw new Error('a replica takes no reply'); case 'opened':",
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
