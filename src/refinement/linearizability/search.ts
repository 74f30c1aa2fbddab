/**
 * The search for a linearization of one part of a history: Wing and Gong's (Testing and verifying concurrent objects, 1993)
 * with Lowe's memoization (Testing for linearizability, 2017), without recursion.
 *
 * What is ours: an operation that fits and only looks is placed at once, since any linearization stays one when it is moved
 * to here (not so one that happens to change nothing now, but might later); an operation of unknown outcome is placed only where it changes the state; of those that do the same the
 * one called first goes first; and configurations are kept relative to the first return that is not placed, which makes
 * them short however long the history is.
 */

import { setBit } from './bits.js';
import type { Budget, Limit } from './budget.js';
import { ConfigurationCache } from './cache.js';
import { Links } from './links.js';
import type { Model } from './model.js';
import { OpenOperations } from './open-operations.js';
import { refused, States } from './states.js';
import type { Timeline } from './timeline.js';

/** Operations in an order that the model allows, by their numbers in the timeline, and the state after them. */
export interface Placed<S> {
  readonly order: readonly number[];
  readonly state: S;
}

/** What a search found out. */
export interface Searched<S> {
  readonly answer: 'linearizable' | 'not' | Limit;
  /** The linearization, if there is one. */
  readonly linearization: Placed<S> | undefined;
  /** The largest index into `byReturn` such that all returns before it could be placed. */
  readonly deepest: number;
  /** The most answered operations that could be placed. */
  readonly placedMax: number;
  /** The partial linearizations that place `collect` answered operations, of different end states; at most `partialsMax`. */
  readonly partials: readonly Placed<S>[];
}

/** How many partial linearizations a search collects. */
export const partialsMax = 3;

/** Looks for a linearization. With `collect` it also keeps partial ones that place so many answered operations. */
export const search = <S, Op, Out>(
  model: Model<S, Op, Out>,
  timeline: Timeline<Op, Out>,
  budget: Budget,
  collect: number = Number.POSITIVE_INFINITY,
): Searched<S> => new Search(model, timeline, budget, collect).run();

/** A point of the search to come back to. */
interface Frame {
  /** Operations placed, and the state, before the choice that led here. */
  readonly trail: number;
  readonly state: number;
  /** Where its own choices begin. */
  readonly choices: number;
  /** The next choice to try, an index into the stack of choices. */
  next: number;
}

class Search<S, Op, Out> {
  readonly #model: Model<S, Op, Out>;
  readonly #line: Timeline<Op, Out>;
  readonly #budget: Budget;
  readonly #collect: number;
  readonly #states: States<S, Op, Out>;
  /** Doubly linked lists of the answered operations not placed, by call and by return; the sentinel is `answered`. */
  readonly #calls: Links;
  readonly #returns: Links;
  /** Slots of placed operations that return after the first return that is not placed. */
  readonly #mask: Int32Array;
  readonly #head: Int32Array;
  readonly #open: OpenOperations;
  /** By number: 1 where the operation only looks. */
  readonly #looks: Uint8Array;
  readonly #cache: ConfigurationCache;
  readonly #trail: number[] = [];
  readonly #frames: Frame[] = [];
  /** What `#mask` was at each frame, one after the other. */
  readonly #masks: Int32Array;
  /** Pairs of an operation and the state after it. */
  readonly #choices: number[] = [];
  readonly #partials: { readonly order: readonly number[]; readonly state: number }[] = [];
  #state: number;
  #placed = 0;
  #deepest = 0;
  #placedMax = 0;

  constructor(model: Model<S, Op, Out>, line: Timeline<Op, Out>, budget: Budget, collect: number) {
    this.#model = model;
    this.#line = line;
    this.#budget = budget;
    this.#states = new States(model, line, budget);
    this.#collect = collect;
    const { answered, byReturn, slots, total, alike } = line;
    this.#calls = new Links(answered, (i) => i);
    this.#returns = new Links(answered, (i) => byReturn[i] as number);
    this.#mask = new Int32Array((slots + 31) >>> 5);
    this.#masks = new Int32Array(this.#mask.length * (total + 1));
    this.#head = new Int32Array(2 + this.#mask.length);
    this.#open = new OpenOperations(answered, total, alike);
    const looks = (n: number): boolean => model.readOnly?.(line.ops[n] as Op, line.outputs[n] as Out) === true;
    this.#looks = Uint8Array.from({ length: answered }, (_, n) => Number(looks(n)));
    this.#cache = new ConfigurationCache(this.#head.length, this.#open.bits.length);
    this.#state = this.#states.initial;
  }

  run(): Searched<S> {
    this.#push({ trail: 0, state: this.#state, choices: 0, next: 0 });
    if (this.#enter(refused) === 'complete') return this.#end('linearizable');
    for (;;) {
      const bytes = this.#cache.bytes + this.#states.bytes;
      const limit = bytes >= this.#budget.memoryBytesMax ? 'memory' : this.#budget.exceeded;
      if (limit !== undefined) return this.#end(limit);
      const frame = this.#frames.at(-1) as Frame;
      if (frame.next >= this.#choices.length) {
        if (this.#frames.length === 1) return this.#end('not');
        this.#leave(frame);
      } else if (this.#choose(frame) === 'complete') return this.#end('linearizable');
    }
  }

  #end(answer: Searched<S>['answer']): Searched<S> {
    const placed = ({ order, state }: { readonly order: readonly number[]; readonly state: number }): Placed<S> => ({
      order,
      state: this.#states.at(state),
    });
    return {
      answer,
      linearization: answer === 'linearizable' ? placed({ order: [...this.#trail], state: this.#state }) : undefined,
      deepest: this.#deepest,
      placedMax: this.#placedMax,
      partials: this.#partials.map(placed),
    };
  }

  /** Tries the next choice of `frame`, which has one. */
  #choose(frame: Frame): 'complete' | 'on' {
    const n = this.#choices[frame.next] as number;
    const state = this.#choices[frame.next + 1] as number;
    const before = this.#state;
    frame.next += 2;
    const choices = this.#choices.length;
    const inner = { trail: this.#trail.length, state: before, choices, next: choices };
    this.#push(inner);
    this.#place(n);
    this.#state = state;
    const entered = this.#enter(n < this.#line.answered ? refused : before);
    if (entered === 'seen') this.#leave(inner);
    return entered === 'complete' ? 'complete' : 'on';
  }

  /**
   * Places what can be placed without a choice, then stacks the choices there are. `beforeOpen` is the state before the
   * open operation that was just placed, or `refused`.
   */
  #enter(beforeOpen: number): 'complete' | 'seen' | 'entered' {
    const { call, return: returns, answered } = this.#line;
    const choices = this.#choices.length;
    const placedBefore = this.#placed;
    for (
      let n = this.#calls.first;
      n !== answered && (call[n] as number) < (returns[this.#returns.first] as number);
      n = this.#calls.after(n)
    ) {
      const next = this.#states.step(this.#state, n);
      if (next === this.#state && this.#looks[n] === 1) this.#place(n);
      else if (next !== refused) this.#choices.push(n, next);
    }
    this.#measure();
    if (this.#placed === answered) return 'complete';
    this.#firstReturnFirst(choices);
    if (!this.#mayReturn() || !this.#remember()) {
      this.#choices.length = choices;
      return 'seen';
    }
    this.#stackOpen(this.#placed === placedBefore ? beforeOpen : refused);
    return 'entered';
  }

  #measure(): void {
    const { answered, rank } = this.#line;
    if (this.#placed === answered) return;
    this.#deepest = Math.max(this.#deepest, rank[this.#returns.first] as number);
    this.#placedMax = Math.max(this.#placedMax, this.#placed);
    if (this.#placed !== this.#collect || this.#partials.length >= partialsMax) return;
    if (this.#partials.some((p) => p.state === this.#state)) return;
    this.#partials.push({ order: [...this.#trail], state: this.#state });
  }

  /** False if this configuration, or one that can do as much, was here before. */
  #remember(): boolean {
    this.#head[0] = this.#line.rank[this.#returns.first] as number;
    this.#head[1] = this.#state;
    this.#head.set(this.#mask, 2);
    return this.#cache.add(this.#head, this.#open.bits);
  }

  /** The operation that returns first must be placed before any later call; often nothing else needs to be. */
  #firstReturnFirst(from: number): void {
    for (let i = from; i < this.#choices.length; i += 2) {
      if (this.#choices[i] !== this.#returns.first) continue;
      const state = this.#choices[i + 1] as number;
      this.#choices.copyWithin(from + 2, from, i);
      this.#choices[from] = this.#returns.first;
      this.#choices[from + 1] = state;
      return;
    }
  }

  /** False where an operation under way at the first return fits nowhere any more. */
  #mayReturn(): boolean {
    const model = this.#model;
    if (model.stillPossible === undefined) return true;
    const { answered, call, return: returns, ops, outputs } = this.#line;
    const state = this.#states.at(this.#state);
    const until = returns[this.#returns.first] as number;
    for (let n = this.#calls.first; n !== answered && (call[n] as number) < until; n = this.#calls.after(n)) {
      if (!model.stillPossible(state, ops[n] as Op, outputs[n] as Out, () => this.#before(n))) return false;
    }
    return true;
  }

  /** What may be placed before the answered operation `n`. */
  *#before(n: number): Iterable<Op> {
    const { answered, call, return: returns, ops } = this.#line;
    const until = returns[n] as number;
    for (let i = this.#calls.first; i !== answered && (call[i] as number) < until; i = this.#calls.after(i))
      if (i !== n) yield ops[i] as Op;
    for (const open of this.#open.next()) if ((call[open] as number) < until) yield ops[open] as Op;
  }

  #stackOpen(beforeOpen: number): void {
    const { call, return: returns } = this.#line;
    const before = returns[this.#returns.first] as number;
    for (const n of this.#open.next()) {
      if ((call[n] as number) >= before) continue;
      const next = this.#states.step(this.#state, n);
      if (next === refused || next === this.#state) continue;
      // Where the open operation before this one makes no difference, it need not have happened.
      if (beforeOpen !== refused && this.#states.step(beforeOpen, n) === next) continue;
      this.#choices.push(n, next);
    }
  }

  #push(frame: Frame): void {
    this.#masks.set(this.#mask, this.#frames.length * this.#mask.length);
    this.#frames.push(frame);
  }

  /** Takes back what `frame`, the last, placed. */
  #leave(frame: Frame): void {
    while (this.#trail.length > frame.trail) this.#takeBack(this.#trail.pop() as number);
    const { length } = this.#mask;
    for (let i = 0, at = (this.#frames.length - 1) * length; i < length; i++)
      this.#mask[i] = this.#masks[at + i] as number;
    this.#state = frame.state;
    this.#choices.length = frame.choices;
    this.#frames.pop();
  }

  #place(n: number): void {
    this.#trail.push(n);
    const { answered, byReturn, rank, slot } = this.#line;
    if (n >= answered) {
      this.#open.place(n);
      return;
    }
    this.#placed++;
    const wasFirst = this.#returns.first === n;
    this.#calls.remove(n);
    this.#returns.remove(n);
    if (!wasFirst) {
      setBit(this.#mask, slot[n] as number, true);
      return;
    }
    // Slots are given anew after a return: those of returns that were passed must not be seen any more.
    const until = this.#placed === answered ? answered : (rank[this.#returns.first] as number);
    for (let r = rank[n] as number; r < until; r++) setBit(this.#mask, slot[byReturn[r] as number] as number, false);
  }

  #takeBack(n: number): void {
    const { answered } = this.#line;
    if (n >= answered) {
      this.#open.takeBack(n);
      return;
    }
    this.#placed--;
    this.#returns.restore(n);
    this.#calls.restore(n);
  }
}
