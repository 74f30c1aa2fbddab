/** Controls: changes that are equivalent to correct code and must stay green. */
import type { Plant } from '../../../src/refinement/plant.js';
import { control, host, hostFile, messagesFile, protocol } from './places.js';

/** Small, since each must stay green over all its runs. */
export const controlPlants: readonly Plant[] = [
  {
    id: 'C1',
    title: 'the same quorum by another formula',
    seenIn: '',
    planted: 'protocol and host',
    checks: [],
    patches: [
      { file: protocol('state'), find: 'Math.floor(replicas / 2) + 1', replace: 'Math.ceil((replicas + 1) / 2)' },
      {
        file: host('cluster'),
        find: 'Math.floor(replicas.length / 2) + 1',
        replace: 'Math.ceil((replicas.length + 1) / 2)',
      },
    ],
    hunt: control,
  },
  {
    id: 'C2',
    title: 'a host that broadcasts in another order',
    seenIn: '',
    planted: 'host',
    checks: [],
    patches: [
      {
        file: host('step-scope'),
        find: 'io.broadcast(this.#cluster.others, message); this.#deliverToSelf',
        replace: 'io.broadcast([...this.#cluster.others].reverse(), message); this.#deliverToSelf',
      },
    ],
    hunt: control,
  },
  {
    id: 'C3',
    title: 'a host that fills the pipeline by one operation more, which the protocol leaves free',
    seenIn: '',
    planted: 'host',
    checks: [],
    patches: [
      {
        file: host('proposer'),
        find: 'this.nextOpn - executed < this.#cluster.parameters.pipelineMax',
        replace: 'this.nextOpn - executed <= this.#cluster.parameters.pipelineMax',
      },
    ],
    hunt: control,
  },
  {
    id: 'C4',
    title: 'a host that takes fewer packets in a step',
    seenIn: '',
    planted: 'host',
    checks: [],
    patches: [
      {
        file: hostFile,
        find: 'io.receiveAll(this.#cluster.parameters.receiveMax)',
        replace: 'io.receiveAll(1)',
      },
    ],
    hunt: control,
  },
  {
    id: 'C5',
    title: 'the same comparison of ballots, written otherwise',
    seenIn: '',
    planted: 'the order that protocol and host share',
    checks: [],
    patches: [
      {
        file: messagesFile,
        find: 'a.proposer < b.proposer ? -1 : 1',
        replace: 'Math.sign(a.proposer - b.proposer)',
      },
    ],
    hunt: control,
  },
  {
    id: 'C6',
    title: 'a host that turns to the other replicas the other way round for what it lacks',
    seenIn: '',
    planted: 'host',
    checks: [],
    patches: [
      {
        file: host('progress'),
        find: '(last + i) % replicas.length',
        replace: '(last + replicas.length - i) % replicas.length',
      },
    ],
    hunt: control,
  },
];
