/** Which check of the design a violation's code belongs to (docs/violations.md). */

/**
 * RC host refinement, RED reduction obligation, INV invariant, REF service refinement, LIN linearizability, LIVE progress
 * after faults heal, SEC input without rights, LOG the journals of an audit.
 */
export type CheckKind = 'RC' | 'RED' | 'INV' | 'REF' | 'LIN' | 'LIVE' | 'SEC' | 'LOG' | 'HOST' | 'JUDGE';

const kinds: Readonly<Record<string, CheckKind>> = {
  REDUCTION_OBLIGATION: 'RED',
  INVALID_MESSAGE: 'RC',
  STATE_MISMATCH: 'RC',
  UNDECLARED_CHANGE: 'RC',
  UNKNOWN_COMPONENT: 'RC',
  WITNESS_MISSING: 'RC',
  STEP_NOT_ENABLED: 'RC',
  UNSAFE_INTEGER: 'RC',
  CLOCK_NOT_READ: 'RC',
  PACKET_NOT_RECEIVED: 'RC',
  PACKET_NOT_CONSUMED: 'RC',
  SELF_NOT_SENT: 'RC',
  SENDS_MISMATCH: 'RC',
  FOREIGN_SOURCE: 'RC',
  RECEIVED_UNSENT: 'INV',
  CAUSAL_CYCLE: 'INV',
  FOREIGN_MESSAGE: 'INV',
  STEP_INVARIANT: 'INV',
  INVARIANT: 'INV',
  NOT_INDUCTIVE: 'INV',
  REPLY_UNJUSTIFIED: 'REF',
  LOCKED_UNJUSTIFIED: 'REF',
  EXECUTED_UNASKED: 'REF',
  SPEC_STEP_REFUSED: 'REF',
  SPEC_MISMATCH: 'REF',
  NOT_LINEARIZABLE: 'LIN',
  COUNT_NOT_EXACT: 'LIN',
  NO_PROGRESS: 'LIVE',
  LEADS_TO: 'LIVE',
  PREMISE_NEVER_REACHED: 'LIVE',
  NEVER_REACHED: 'LIVE',
  DEADLOCK: 'LIVE',
  ELECTION_STORM: 'LIVE',
  STRANGER_STOPPED_HOST: 'SEC',
  STRANGER_CHANGED_HOST: 'SEC',
  JOURNAL_ALTERED: 'LOG',
  JOURNAL_GAP: 'LOG',
  JOURNAL_NOT_WRITTEN: 'HOST',
  HOST_THREW: 'HOST',
  JUDGE_THREW: 'JUDGE',
};

/** The check that reports `code`; an unknown code is a fault of the judge. */
export const checkOf = (code: string): CheckKind => kinds[code] ?? 'JUDGE';

/** Checks that stop a node before its packets leave. */
export const stopsNode = (kind: CheckKind): boolean =>
  kind === 'RC' || kind === 'RED' || kind === 'SEC' || kind === 'HOST';
