/**
 * Two-phase commit after Gray and Lamport ("Consensus on transaction commit", 2006; the module TwoPhase): resource managers
 * prepare by themselves, the transaction manager commits when all have, and any of them may abort before. The guards are
 * those of the paper and no more, so that a message can be received again, which changes nothing.
 *
 * A state is one number, read by its hexadecimal digits: the lowest is the transaction manager's, each other one belongs to
 * a resource manager.
 */
import { always, noDeadlock, type SuccessorModel, sometimes } from '../explorer.js';

/** The lowest digit: what the transaction manager decided and sent to all. */
const decisions = ['init', 'committed', 'aborted'] as const;
const [init, commitSent, abortSent] = [0, 1, 2] as const;

/** The two low bits of a resource manager's digit: its state. */
const managerStates = ['working', 'prepared', 'committed', 'aborted'] as const;
const [working, prepared, committed, aborted] = [0, 1, 2, 3] as const;

/** The two high bits: it sent that it is prepared; the transaction manager received that. */
const sentBit = 4;
const receivedBit = 8;

/** What fits in a natural number below 2^53: thirteen digits. */
export const resourceManagersMax = 12;

/** Six managers and the lowest digit are the lower part; like the higher one it is a small integer. */
const lowManagers = 6;
const lowSize = 16 ** (lowManagers + 1);
const weights = Array.from({ length: resourceManagersMax }, (_, i) => 16 ** (i + 1));

/** Actions of a resource manager by number: its own number is added to these. */
const managerActions = ['prepare', 'chooseToAbort', 'receiveCommit', 'receiveAbort', 'receivePrepared'] as const;
const [prepare, chooseToAbort, receiveCommit, receiveAbort, receivePrepared] = [0, 16, 32, 48, 64] as const;
const decideCommit = 80;
const decideAbort = 81;

const actionName = (action: number): string => {
  if (action >= decideCommit) return action === decideCommit ? 'commit' : 'abort';
  return managerActions[action >> 4] as string;
};

const successors =
  (size: number): SuccessorModel<number, number>['successors'] =>
  (state, emit) => {
    const high = Math.floor(state / lowSize);
    const low = state - high * lowSize;
    const decision = low & 15;
    let received = 0;
    for (let i = 0; i < size; i++) {
      const bits = i < lowManagers ? (low >>> (4 * i + 4)) & 15 : (high >>> (4 * (i - lowManagers))) & 15;
      const own = bits & 3;
      const weight = weights[i] as number;
      if (own === working) {
        emit(prepare + i, state + (prepared + sentBit) * weight);
        emit(chooseToAbort + i, state + aborted * weight);
      }
      if (decision === commitSent) emit(receiveCommit + i, state + (committed - own) * weight);
      if (decision === abortSent) emit(receiveAbort + i, state + (aborted - own) * weight);
      if (decision === init && (bits & sentBit) !== 0)
        emit(receivePrepared + i, state + ((bits | receivedBit) - bits) * weight);
      if ((bits & receivedBit) !== 0) received++;
    }
    if (decision !== init) return;
    if (received === size) emit(decideCommit, state + commitSent);
    emit(decideAbort, state + abortSent);
  };

/** The lowest bit of every digit of a part. */
const ones = 0x1111111;

/** Of the low bits of all digits: where a manager is aborted, and where committed. */
const isConsistent = (state: number): boolean => {
  const high = Math.floor(state / lowSize);
  const low = (state - high * lowSize) & ~15;
  const either = ((low >>> 1) & ones) | 0;
  const eitherHigh = (high >>> 1) & ones;
  const someAborted = (either & low) | (eitherHigh & high);
  const someCommitted = (either & ~low) | (eitherHigh & ~high);
  return someAborted === 0 || someCommitted === 0;
};

const digitsOf = (state: number, size: number): readonly number[] =>
  weights.slice(0, size).map((weight) => Math.floor(state / weight) % 16);

const managersIn =
  (size: number, wanted: number) =>
  (state: number): boolean =>
    digitsOf(state, size).every((digit) => (digit & 3) === wanted);

/** A state as people see it. */
const shown =
  (size: number) =>
  (state: number): unknown => ({
    transactionManager: decisions[state % 16],
    resourceManagers: digitsOf(state, size).map((digit) => managerStates[digit & 3]),
    sentPrepared: digitsOf(state, size).map((digit) => (digit & sentBit) !== 0),
    receivedPrepared: digitsOf(state, size).map((digit) => (digit & receivedBit) !== 0),
  });

/** Two-phase commit with `size` resource managers, 1 to `resourceManagersMax`. They are interchangeable. */
export const twoPhaseCommit = (size: number): SuccessorModel<number, number> => ({
  name: `two-phase-commit with ${size} resource managers`,
  init: () => [0],
  successors: successors(size),
  properties: [
    always('no resource manager commits while another aborts', isConsistent),
    noDeadlock((state) => state % 16 !== init),
    sometimes('all resource managers committed', managersIn(size, committed)),
    sometimes('all resource managers aborted', managersIn(size, aborted)),
  ],
  canonical: (state) => {
    const sorted = [...digitsOf(state, size)].sort((a, b) => a - b);
    return sorted.reduce((sum, digit, i) => sum + digit * (weights[i] as number), state % 16);
  },
  actionName,
  showAction: (action) => (action >= decideCommit ? actionName(action) : `${actionName(action)}(${(action & 15) + 1})`),
  show: shown(size),
});
