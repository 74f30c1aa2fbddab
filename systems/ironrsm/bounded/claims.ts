/**
 * What is stated of the bounded model. Written from the messages in the set alone, by formulas of its own (a majority is more
 * than half), so that it shares nothing with the protocol that it judges.
 */
import { createHash } from 'node:crypto';
import {
  always,
  alwaysStep,
  noDeadlock,
  type Property,
  sometimes,
  type Verdict,
} from '../../../src/refinement/explorer.js';
import { violated } from '../../../src/spec/check.js';
import type { Ballot, Message, RsmMessage } from '../messages.js';
import type { AcceptorRole, LearnerRole, ProposerRole, RsmPacket } from './roles.js';

/** A state of the bounded model: the roles of the replicas, and the packets ever sent. */
export interface BoundedState {
  readonly proposers: readonly ProposerRole[];
  readonly acceptors: readonly AcceptorRole[];
  readonly learner: LearnerRole;
  readonly sent: readonly RsmPacket[];
}

type Bounded = Property<BoundedState, string>;

const compare = (a: Ballot, b: Ballot): number => a.seqno - b.seqno || a.proposer - b.proposer;

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

const named = (batch: Uint8Array): string => createHash('sha256').update(batch).digest('hex').slice(0, 32);

const words = ({ seqno, proposer }: Ballot): string => `${seqno}.${proposer}`;

const broken = (name: string, evidence: Readonly<Record<string, unknown>>): Verdict =>
  violated('INVARIANT', name, evidence);

/** A message with its source. */
interface From<T extends RsmMessage['tag']> {
  readonly source: string;
  readonly message: Message<T>;
}

const of = <T extends RsmMessage['tag']>(sent: readonly RsmPacket[], tag: T): readonly From<T>[] =>
  sent.filter(({ message }) => message.tag === tag) as unknown as readonly From<T>[];

const everyPair = <A, B>(as: readonly A[], bs: readonly B[], holds: (a: A, b: B) => Verdict): Verdict => {
  for (const a of as) {
    for (const b of bs) {
      const verdict = holds(a, b);
      if (verdict !== true) return verdict;
    }
  }
  return true;
};

/** By operation number: the digests for which a majority of `acceptors` voted in one ballot. */
const chosenIn = (sent: readonly RsmPacket[], acceptors: number): ReadonlyMap<number, ReadonlySet<string>> => {
  const voters = new Map<string, Set<string>>();
  const chosen = new Map<number, Set<string>>();
  for (const { source, message } of of(sent, '2b')) {
    const key = `${words(message.ballot)} ${message.opn} ${hex(message.digest)}`;
    const known = voters.get(key) ?? new Set();
    voters.set(key, known.add(source));
    if (2 * known.size > acceptors)
      chosen.set(message.opn, (chosen.get(message.opn) ?? new Set()).add(hex(message.digest)));
  }
  return chosen;
};

type Claim = (sent: readonly RsmPacket[], acceptors: number) => Verdict;

const agreement = 'at most one batch is chosen for an operation';
const oneProposal = 'a ballot proposes one batch for an operation';
const votesProposed = 'a vote has a proposal of its ballot, operation and digest';
const promisesKept = 'whoever promised a ballot has reported its votes below it, and casts none after';
const reportsTrue = 'a reported vote was cast, below the ballot of the promise';
const ballotsOwned = 'a ballot is used by the proposer whose index it holds';

const claims: Readonly<Record<string, Claim>> = {
  [agreement]: (sent, acceptors) => {
    for (const [opn, digests] of chosenIn(sent, acceptors)) {
      if (digests.size > 1) return broken(agreement, { opn, digests: [...digests].join(', ') });
    }
    return true;
  },
  [oneProposal]: (sent) => {
    const proposals = of(sent, '2a');
    return everyPair(proposals, proposals, ({ message: a }, { message: b }) => {
      const differ = a.opn === b.opn && compare(a.ballot, b.ballot) === 0 && hex(a.batch) !== hex(b.batch);
      return !differ || broken(oneProposal, { opn: a.opn, ballot: words(a.ballot) });
    });
  },
  [ballotsOwned]: (sent) => {
    for (const { source, message } of [...of(sent, '1a'), ...of(sent, '2a')]) {
      const own = source === `10.0.0.${message.ballot.proposer + 1}:7000`;
      if (!own) return broken(ballotsOwned, { source, ballot: words(message.ballot) });
    }
    return true;
  },
  [votesProposed]: (sent) => {
    for (const { source, message: vote } of of(sent, '2b')) {
      const proposed = of(sent, '2a').some(
        ({ message: p }) =>
          p.opn === vote.opn && compare(p.ballot, vote.ballot) === 0 && named(p.batch) === hex(vote.digest),
      );
      if (!proposed) return broken(votesProposed, { source, opn: vote.opn, ballot: words(vote.ballot) });
    }
    return true;
  },
  [promisesKept]: (sent) =>
    everyPair(of(sent, '1b'), of(sent, '2b'), ({ source, message: promise }, { source: voter, message: vote }) => {
      if (source !== voter || compare(vote.ballot, promise.ballot) >= 0) return true;
      const reported = promise.votes.some(({ opn, ballot }) => opn === vote.opn && compare(ballot, vote.ballot) >= 0);
      const [promised, opn] = [words(promise.ballot), vote.opn];
      return reported || broken(promisesKept, { acceptor: source, promised, opn, voted: words(vote.ballot) });
    }),
  [reportsTrue]: (sent) => {
    const votes = of(sent, '2b');
    for (const { source, message: promise } of of(sent, '1b')) {
      for (const { opn, ballot, batch } of promise.votes) {
        const cast = votes.some(
          ({ source: voter, message: v }) =>
            voter === source && v.opn === opn && compare(v.ballot, ballot) === 0 && hex(v.digest) === named(batch),
        );
        const evidence = { acceptor: source, opn, reported: words(ballot), promised: words(promise.ballot) };
        if (!cast || compare(ballot, promise.ballot) >= 0) return broken(reportsTrue, evidence);
      }
    }
    return true;
  },
};

/** A verdict for each set of packets, which states share. */
const once = <T>(judge: (sent: readonly RsmPacket[]) => T): ((sent: readonly RsmPacket[]) => T) => {
  const known = new Map<readonly RsmPacket[], T>();
  return (sent) => {
    const kept = known.get(sent);
    if (kept !== undefined) return kept;
    const value = judge(sent);
    known.set(sent, value);
    return value;
  };
};

const executedWasChosen = 'an executed operation was chosen, and is what was chosen';

const executions = (acceptors: number): Bounded => {
  const chosen = once((sent) => chosenIn(sent, acceptors));
  const executed = new Map<LearnerRole, readonly (readonly [number, string])[]>();
  return always(executedWasChosen, ({ learner, sent }) => {
    let log = executed.get(learner);
    if (log === undefined) {
      log = [...learner.executor.log].map(([opn, batch]): [number, string] => [opn, named(batch)]);
      executed.set(learner, log);
    }
    const inSet = chosen(sent);
    for (const [opn, digest] of log) {
      if (!inSet.get(opn)?.has(digest)) return broken(executedWasChosen, { opn, digest });
    }
    return log.length === learner.executor.opsComplete || broken(executedWasChosen, { log: log.length });
  });
};

const isRaised = (before: readonly Ballot[], after: readonly Ballot[]): boolean =>
  after.every((ballot, i) => compare(before[i] as Ballot, ballot) <= 0);

const emptyBatch = (batch: Uint8Array): boolean => batch.length === 1 && (batch[0] as number) === 0x90;

/** A proposal that takes over a vote that a promise for its ballot reports. */
const takesOver = (sent: readonly RsmPacket[]): boolean =>
  of(sent, '2a').some(({ message: p }) =>
    of(sent, '1b').some(
      ({ message: { ballot, votes } }) =>
        compare(ballot, p.ballot) === 0 && votes.some((vote) => vote.opn === p.opn && hex(vote.batch) === hex(p.batch)),
    ),
  );

/** Everything that is stated, for `acceptors` acceptors and `operations` operations. */
export const boundedClaims = (acceptors: number, ballots: number, operations: number): readonly Bounded[] => {
  const repeats = once(takesOver);
  const fills = once((sent) => of(sent, '2a').some(({ message }) => emptyBatch(message.batch)));
  const goals: readonly Bounded[] = [
    sometimes('every operation is executed', ({ learner }) => learner.executor.opsComplete === operations),
    ...(ballots < 2
      ? []
      : [sometimes<BoundedState>('a ballot takes over the vote of an earlier one', ({ sent }) => repeats(sent))]),
    ...(ballots < 2 || operations < 2
      ? []
      : [sometimes<BoundedState>('a gap is filled with an empty batch', ({ sent }) => fills(sent))]),
  ];
  const judged = Object.entries(claims).map(([name, claim]): Bounded => {
    const verdict = once((sent) => claim(sent, acceptors));
    return always(name, ({ sent }) => verdict(sent));
  });
  return [
    ...judged,
    executions(acceptors),
    alwaysStep('a promise never goes back', (before, _, after) =>
      isRaised(
        before.acceptors.map(({ maxBal }) => maxBal),
        after.acceptors.map(({ maxBal }) => maxBal),
      ),
    ),
    noDeadlock(({ learner }) => learner.executor.opsComplete === operations),
    ...goals,
  ];
};
