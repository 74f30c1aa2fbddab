/** The invariants of IronRSM (after the proof of IronFleet's RSL), as named values with their sources, each checked on simulated clusters. */
import { messageInvariants } from './invariants/messages.js';
import { replicaInvariants } from './invariants/replicas.js';

/** All of them: what was sent, then what the replicas hold. */
export const ironrsmInvariants = [...replicaInvariants, ...messageInvariants];
