/** The judge of a node: what it compares of the host's state, and what it shares with the host. */
import { describe, expect, it } from 'vitest';
import { PersistentMap } from '../../src/protocol/persistent-map.js';
import type { EndPoint } from '../../src/spec/endpoint.js';
import { E } from '../../src/spec/prelude.js';
import {
  add,
  codeOf,
  me,
  nodeWith,
  note,
  peer,
  TallyHost,
  type TallyIo,
  type TallyMessage,
  TallyNode,
  withEvents,
} from './tally.js';

describe('the state', () => {
  it('is compared where the protocol changed it, so that a forgotten update is caught in the same step', () => {
    const forgetful = (thoroughness: 'changed' | 'full'): TallyNode =>
      nodeWith(
        {
          take(
            this: TallyHost,
            io: TallyIo,
            index: number,
            source: EndPoint,
            message: Extract<TallyMessage, { tag: 'add' }>,
          ) {
            io.record({ action: 'take', from: 'received', index });
            this.total += message.amount;
            this.memos = this.memos.set(this.memos.size, message.memo);
            io.send(source, { tag: 'sum', total: this.total });
          },
        },
        { thoroughness },
      );
    for (const thoroughness of ['changed', 'full'] as const) {
      const verdict = forgetful(thoroughness).step([add(1)]);
      expect(codeOf(verdict)).toBe('STATE_MISMATCH');
      expect(E.isLeft(verdict) && verdict.left.evidence).toMatchObject({
        component: 'byClient',
        host: 'undefined',
        protocol: '1',
      });
    }
  });

  it('is compared where the host declares a change, so that a change of its own is caught in the same step', () => {
    for (const thoroughness of ['changed', 'full'] as const) {
      const node = nodeWith(
        {
          announce(this: TallyHost, io: TallyIo) {
            this.byClient.set(peer, 1);
            io.touch('byClient', peer);
          },
        },
        { thoroughness },
      );
      expect(codeOf(node.step())).toBe('STATE_MISMATCH');
    }
  });

  it('catches a table that is declared as a whole', () => {
    const node = nodeWith(
      {
        announce(this: TallyHost, io: TallyIo) {
          this.byClient.set(peer, 1);
          io.touch('byClient');
        },
      },
      { thoroughness: 'changed' },
    );
    expect(codeOf(node.step())).toBe('STATE_MISMATCH');
  });

  it('catches an undeclared change at once when everything is compared, and says that it was not declared', () => {
    const node = new TallyNode();
    node.step([add(1)]);
    node.host.byClient.set(peer, 1);
    expect(codeOf(node.step())).toBe('UNDECLARED_CHANGE');
  });

  it('reports a declaration of a component that nobody knows', () => {
    const node = nodeWith({ announce: (io: TallyIo) => io.touch('colour') });
    expect(codeOf(node.step())).toBe('UNKNOWN_COMPONENT');
  });

  it('reports a protocol step that breaks an invariant of steps', () => {
    const node = new TallyNode();
    const from = (total: number) => ({ source: peer, target: me, message: note(total) });
    expect(codeOf(node.step([from(5)]))).toBeUndefined();
    expect(codeOf(node.step([from(4)]))).toBe('STEP_INVARIANT');
  });

  it('reports a step in which a number of the protocol would pass the safe integers', () => {
    const node = new TallyNode();
    expect(codeOf(node.step([add(Number.MAX_SAFE_INTEGER)]))).toBeUndefined();
    node.host.take = (io, index) => io.record({ action: 'take', from: 'received', index });
    expect(codeOf(node.step([add(0)]))).toBe('SENDS_MISMATCH');
    expect(codeOf(node.step([add(1)]))).toBe('UNSAFE_INTEGER');
  });

  it("is the judge's own: a refused step does not move it", () => {
    const node = nodeWith({ announce: () => undefined });
    const before = node.judge.state;
    expect(codeOf(withEvents(() => []).step([add(1)]))).toBe('WITNESS_MISSING');
    node.host.take = () => undefined;
    expect(codeOf(node.step([add(1)]))).toBe('PACKET_NOT_CONSUMED');
    expect(node.judge.state).toBe(before);
    expect(node.judge.stepsChecked).toBe(0);
  });
});

describe('aliasing', () => {
  it('does not fool the judge: a host that changes a received message before it uses it is caught', () => {
    const node = nodeWith({
      take(
        this: TallyHost,
        io: TallyIo,
        index: number,
        source: EndPoint,
        message: Extract<TallyMessage, { tag: 'add' }>,
      ) {
        (message as { amount: number }).amount *= 10;
        TallyHost.prototype.take.call(this, io, index, source, message);
      },
    });
    expect(codeOf(node.step([add(1)]))).toBe('SELF_NOT_SENT');
  });

  it('does not fool the judge: a host that writes into bytes that it keeps is caught', () => {
    const node = new TallyNode();
    expect(codeOf(node.step([add(1, 'abc')]))).toBeUndefined();
    (node.host.memos.get(0) as Uint8Array)[0] = 0;
    expect(codeOf(node.step())).toBe('UNDECLARED_CHANGE');
    expect(node.judge.state.memos.get(0)).toEqual(new Uint8Array(Buffer.from('abc')));
  });

  it('does not fool the judge: a host that writes in place and says so is caught in the same step', () => {
    const node = nodeWith(
      {
        announce(this: TallyHost, io: TallyIo) {
          const memo = this.memos.get(0);
          if (memo === undefined || this.heard < 1) return;
          memo[0] = 0;
          io.touch('memos');
        },
        beat: () => undefined,
      },
      { thoroughness: 'changed' },
    );
    expect(codeOf(node.step([{ source: peer, target: me, message: note(0) }]))).toBeUndefined();
    expect(codeOf(node.step([add(1, 'abc')]))).toBeUndefined();
    expect(codeOf(node.step([{ source: peer, target: me, message: note(1) }]))).toBe('STATE_MISMATCH');
  });

  it('does not fool the judge: the host cannot reach what the judge decoded', () => {
    const node = new TallyNode();
    const message = add(1, 'abc');
    expect(codeOf(node.step([message]))).toBeUndefined();
    expect(node.judge.state.memos.get(0)).not.toBe(node.host.memos.get(0));
    if (message.tag === 'add') message.memo.fill(0);
    expect(node.judge.state.memos.get(0)).toEqual(new Uint8Array(Buffer.from('abc')));
  });

  it('is what a persistent component would hide if it were compared by identity alone', () => {
    const node = new TallyNode(new TallyHost(), { thoroughness: 'changed' });
    node.step([add(1, 'abc')]);
    node.host.memos = PersistentMap.of([[0, new Uint8Array(Buffer.from('abd'))]]);
    expect(codeOf(node.step())).toBe('STATE_MISMATCH');
  });
});
