/**
 * When requests took effect, as the steps of the hosts tell: a guess at the order that the clients' history asks for, so that it is
 * seldom searched for. Nothing believes it: `isLinearization` checks it.
 */
import type { CallId } from '../../../src/refinement/linearizability.js';
import type { EndPoint } from '../../../src/spec/endpoint.js';
import { executedIn, type KvChange } from '../history.js';
import type { Message } from '../messages.js';
import { callOf, resultOf } from '../recorded.js';
import { isWrite } from '../spec.js';

/** What somebody asked. Places count what hosts have executed. */
interface Asked {
  readonly id: CallId;
  readonly from: number;
  until: number;
  /** As text; `undefined` while there is none. */
  result: string | undefined;
}

interface Executed {
  readonly place: number;
  readonly result: string;
}

/** Equal requests of one machine: which of them was executed when, the steps do not say. */
interface Alike {
  readonly isWrite: boolean;
  readonly asked: Asked[];
  readonly executed: Executed[];
}

export class Effects {
  readonly #alike = new Map<string, Alike>();
  readonly #byId = new Map<CallId, Asked>();
  #place = 0;

  /** `source` asks for what `text` and `isWrite` say. */
  asked(id: CallId, source: string, text: string, write: boolean): void {
    const asked: Asked = { id, from: this.#place, until: Number.POSITIVE_INFINITY, result: undefined };
    this.#byId.set(id, asked);
    this.#of(source, text, write).asked.push(asked);
  }

  /** The asker was told `result`. */
  answered(id: CallId, result: string): void {
    const asked = this.#byId.get(id);
    if (asked === undefined) return;
    asked.until = this.#place;
    asked.result = result;
  }

  /** It was never executed, and never will be. */
  refused(id: CallId): void {
    const asked = this.#byId.get(id);
    if (asked !== undefined) asked.until = Number.NEGATIVE_INFINITY;
  }

  /** A host consumed a packet. */
  handled(change: KvChange): void {
    const executed = executedIn(change);
    const reply = change.sends.find(({ message }) => message.tag === 'reply');
    if (executed === undefined || reply === undefined) return;
    const { source, message: m } = executed;
    const result = JSON.stringify(resultOf((reply.message as Message<'reply'>).outcome));
    const alike = this.#of(source, JSON.stringify(callOf(m.command)), isWrite(m.command));
    alike.executed.push({ place: ++this.#place, result });
  }

  /** The guesses: calls, each with the place where it took effect. */
  *guesses(): Generator<readonly [CallId, number], undefined> {
    for (const alike of this.#alike.values()) yield* alike.isWrite ? writesOf(alike) : readsOf(alike);
    return undefined;
  }

  #of(source: EndPoint | string, text: string, write: boolean): Alike {
    const name = `${source} ${text}`;
    const known = this.#alike.get(name);
    if (known !== undefined) return known;
    const alike: Alike = { isWrite: write, asked: [], executed: [] };
    this.#alike.set(name, alike);
    return alike;
  }
}

const fits = ({ from, until, result }: Asked, { place, result: was }: Executed): boolean =>
  from < place && place <= until && (result === undefined || result === was);

/** Each execution is of one request: of those that it fits the one that returned first. */
function* writesOf({ asked, executed }: Alike): Generator<readonly [CallId, number], undefined> {
  const left = [...asked].sort((a, b) => a.until - b.until);
  for (const execution of executed) {
    const at = left.findIndex((a) => fits(a, execution));
    const [found] = at < 0 ? [] : left.splice(at, 1);
    if (found !== undefined) yield [found.id, execution.place];
  }
  return undefined;
}

/** A read may be executed often, and any execution that gave the answer will do. */
function* readsOf({ asked, executed }: Alike): Generator<readonly [CallId, number], undefined> {
  for (const one of asked) {
    const execution = one.result === undefined ? undefined : executed.find((e) => fits(one, e));
    if (execution !== undefined) yield [one.id, execution.place];
  }
  return undefined;
}
