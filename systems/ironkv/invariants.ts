/** Why IronKV is safe: README.md, "Invariants", weakest first. */
import { boundsAreAnnounced, sessionsAreAnnounced } from './invariants/announcements.js';
import type { Invariant } from './invariants/form.js';
import {
  executedIsKnown,
  floorsWereAsked,
  recordsAreTrue,
  sessionsAreBounded,
  sessionsAreOpenedOnce,
  stampsAreUnique,
  toldIsTold,
} from './invariants/knowledge.js';
import { nextIsTrue, orderIsKept } from './invariants/order.js';
import {
  delegateIsWellFormed,
  eachKeyClaimedInExactlyOnePlace,
  mapIsCanonical,
  movesAreOwned,
  onlyTheAllowedMove,
  redirectsLeadAway,
  storedKeysAreOwned,
} from './invariants/ownership.js';
import {
  acksAreOfReceived,
  knowledgeGrows,
  onlySentIsReceived,
  seqnosAreUnique,
  unackedBytesAreBounded,
  unackedIsSequential,
} from './invariants/streams.js';

/** In the order in which they are judged. */
export const ironkvInvariants: readonly Invariant[] = [
  knowledgeGrows,
  onlyTheAllowedMove,
  mapIsCanonical,
  delegateIsWellFormed,
  seqnosAreUnique,
  onlySentIsReceived,
  acksAreOfReceived,
  unackedIsSequential,
  unackedBytesAreBounded,
  movesAreOwned,
  eachKeyClaimedInExactlyOnePlace,
  storedKeysAreOwned,
  redirectsLeadAway,
  sessionsAreOpenedOnce,
  boundsAreAnnounced,
  sessionsAreAnnounced,
  stampsAreUnique,
  sessionsAreBounded,
  floorsWereAsked,
  nextIsTrue,
  orderIsKept,
  recordsAreTrue,
  toldIsTold,
  executedIsKnown,
];
