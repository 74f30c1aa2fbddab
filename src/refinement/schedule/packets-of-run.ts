/** The packets that the hosts of a scheduled run have sent, and how a receive finds the one that it means. */
import type { Codec } from '../../network/codec.js';
import type { EndPoint } from '../../spec/endpoint.js';
import { E } from '../../spec/prelude.js';
import type { Tagged } from '../cluster.js';
import { type Origin, packetKey, type Received } from './schedule.js';

interface SentByHost {
  readonly target: EndPoint;
  readonly bytes: Uint8Array;
}

/** Every packet that a host sent, by what it is, by the step that sent it and by its way. */
export class PacketsOfRun<M extends Tagged> {
  readonly #codec: Codec<M>;
  readonly #origin: 'first' | 'last';
  /** The step that sent a packet. */
  readonly #origins = new Map<string, Origin>();
  readonly #sentIn = new Map<number, SentByHost[]>();
  /** By source and target, in the order of sending. */
  readonly #sentBetween = new Map<string, { readonly bytes: Uint8Array; readonly origin: Origin }[]>();
  readonly #tags = new WeakMap<Uint8Array, string>();

  /** `origin`: which of the steps that sent equal packets is taken for the one that a receive means. */
  constructor(codec: Codec<M>, origin: 'first' | 'last') {
    this.#codec = codec;
    this.#origin = origin;
  }

  /** Step `step` of `source` sent a packet. */
  add(source: EndPoint, step: number, target: EndPoint, bytes: Uint8Array): void {
    const sent = this.#sentIn.get(step);
    const index = sent?.filter((s) => s.target === target).length ?? 0;
    if (sent === undefined) this.#sentIn.set(step, [{ target, bytes }]);
    else sent.push({ target, bytes });
    const origin = { step, index };
    const between = `${source} ${target}`;
    const earlier = this.#sentBetween.get(between);
    if (earlier === undefined) this.#sentBetween.set(between, [{ bytes, origin }]);
    else earlier.push({ bytes, origin });
    const key = packetKey(source, target, bytes);
    if (this.#origin === 'last' || !this.#origins.has(key)) this.#origins.set(key, origin);
  }

  /**
   * The packet itself if it was sent; else, of what the same host sent to the same target and is of the same kind, what was
   * sent in its place, or last: wildcards, after DEMi (Scott et al., NSDI 2016).
   */
  find({ source, bytes, origin }: Received, target: EndPoint): Received | undefined {
    const known = this.#origins.get(packetKey(source, target, bytes));
    if (known !== undefined) return { source, bytes, origin: known };
    if (origin === undefined) return undefined;
    const tag = this.#tagOf(bytes);
    const instead = this.#sentIn.get(origin.step)?.filter((sent) => sent.target === target)[origin.index];
    if (instead !== undefined && this.#tagOf(instead.bytes) === tag) return { source, bytes: instead.bytes, origin };
    const last = this.#sentBetween.get(`${source} ${target}`)?.findLast((sent) => this.#tagOf(sent.bytes) === tag);
    return last && { source, ...last };
  }

  #tagOf(bytes: Uint8Array): string | undefined {
    const known = this.#tags.get(bytes);
    if (known !== undefined) return known;
    const message = this.#codec.decode(bytes);
    if (E.isLeft(message)) return undefined;
    this.#tags.set(bytes, message.right.tag);
    return message.right.tag;
  }
}
