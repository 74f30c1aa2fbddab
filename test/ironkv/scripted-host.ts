/** Hosts of IronKV that answer as a test tells them, on real sockets of the loopback interface. */
import type { Transport } from '../../src/network/transport.js';
import type { EndPoint } from '../../src/spec/endpoint.js';
import { E } from '../../src/spec/prelude.js';
import { openClientTransport } from '../../systems/ironkv/client/port.js';
import {
  type KvMessage,
  kvCodec,
  type Message,
  type MoveStatus,
  type RangeStatus,
  type ShardVerdict,
} from '../../systems/ironkv/messages.js';
import { bytes } from './host-cluster.js';

export const cluster = 'test';

export const counters = {
  ...{ strangers: 0, delegatesRefused: 0, shardsRefused: 0 },
  ...{ requestsRefused: 0, requestsRedirected: 0, requestsUnannounced: 0 },
};

/** A range of a status; `own`: the host that tells it owns it. */
export const range = (lo: string, hi: string | null, host: number, own: boolean): RangeStatus => ({
  lo: bytes(lo),
  hi: hi === null ? null : bytes(hi),
  host,
  load: own ? { requests: 0, keys: 0, bytes: 0, cuts: [] } : null,
});

/** A move of a status. */
export const move = (next: string | null, hi: string | null, recipient: number): MoveStatus => ({
  ...{ administrator: '127.0.0.1:1' as EndPoint, seqno: 1, recipient },
  next: next === null ? null : bytes(next),
  hi: hi === null ? null : bytes(hi),
});

/** What a scripted host says of itself. */
export interface Told {
  readonly ranges: readonly RangeStatus[];
  readonly moves?: readonly MoveStatus[];
}

/** One host. Without a script it is silent. */
export class ScriptedHost {
  readonly #transport: Transport<KvMessage>;
  /** What it says when asked for its status. */
  onStatus: () => Told | undefined = () => undefined;
  /** What it says to an order. */
  onShard: (order: Message<'shard'>) => ShardVerdict | undefined = () => undefined;
  /** The orders that it got, repetitions included. */
  readonly orders: Message<'shard'>[] = [];
  statusRequests = 0;

  private constructor(transport: Transport<KvMessage>) {
    this.#transport = transport;
    transport.onMessages(() => {
      for (let d = transport.inbox.shift(); d !== undefined; d = transport.inbox.shift()) {
        const answer = this.#answer(d.packet.message);
        if (answer !== undefined) transport.send(d.packet.source, kvCodec.encode(answer));
      }
      transport.flush();
    });
  }

  static async open(): Promise<ScriptedHost> {
    const opened = await openClientTransport({ cluster, hosts: [], datagramBytesMax: 8192 });
    if (E.isLeft(opened)) throw new Error(opened.left);
    return new ScriptedHost(opened.right);
  }

  get address(): EndPoint {
    return this.#transport.me;
  }

  close(): Promise<void> {
    return this.#transport.close();
  }

  #answer(message: KvMessage): KvMessage | undefined {
    if (message.tag === 'statusRequest') {
      this.statusRequests++;
      const told = this.onStatus();
      const { nonce } = message;
      return told && { tag: 'status', nonce, next: null, moves: [], keys: 0, sessions: 0, counters, ...told };
    }
    if (message.tag !== 'shard') return undefined;
    this.orders.push(message);
    const verdict = this.onShard(message);
    return verdict && { tag: 'shardReply', seqno: message.seqno, verdict };
  }
}
