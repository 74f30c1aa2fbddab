/**
 * What stands behind a gateway in a replica's process (README.md, "The gateway of the Redis protocol"): ordered sessions, whose requests
 * enter the replicas as packets like any other client's, journaled and judged. The local replica is reached through its inbox, the
 * others through a socket of the gateway.
 */
import { randomInt } from 'node:crypto';
import type { LocalDoor } from '../../src/host/node.js';
import { monotonicNowMs } from '../../src/host/real-time.js';
import type { Transport } from '../../src/network/transport.js';
import type { EndPoint } from '../../src/spec/endpoint.js';
import { E } from '../../src/spec/prelude.js';
import { ClientCore } from './client/core.js';
import { type Outcome, tooLarge } from './client/outcome.js';
import { type ClientOptions, openClientTransport } from './client/port.js';
import type { Configuration } from './configuration.js';
import { type Message, partHeaderBytes, type RsmMessage, rsmCodec } from './messages.js';

/** What a gateway works on. */
export interface GatewayParts {
  readonly cluster: ClientOptions;
  readonly configuration: Configuration;
  /** The replica of this process. */
  readonly me: EndPoint;
  /** Opens the node's door (`RunningNode.openDoor`). */
  readonly openDoor: (client: EndPoint, listener: (messages: readonly Uint8Array[]) => void) => LocalDoor<RsmMessage>;
}

/** Operations of one connection: executed in the order in which they were made, each at most once. */
export interface GatewaySession {
  /** Calls `settled` once, later than this call. The operation's bytes must not change until then. */
  request(operation: Uint8Array, settled: (outcome: Outcome) => void): void;
  /** Ends it. What is outstanding is given up without a word; whether it is executed is unknown. */
  close(): void;
}

/** Sessions of closed connections that are kept for others. */
const spareSessionsMax = 1024;

const tickMs = 10;
const retryMs = 150;
const retryMsMax = 1000;
const nonceMax = 2 ** 48 - 1;

/** One session and who waits in it. */
interface Lane {
  readonly core: ClientCore;
  readonly waiting: Map<number, (outcome: Outcome) => void>;
  /** The nonce of its last `open`. */
  nonce: number | undefined;
  /** The session under which the gateway knows it. */
  session: number | undefined;
}

/** All sessions of one gateway. */
export class RsmGateway {
  readonly #parts: GatewayParts;
  readonly #transport: Transport<RsmMessage>;
  readonly #door: LocalDoor<RsmMessage>;
  readonly #lanes = new Set<Lane>();
  readonly #spare: Lane[] = [];
  readonly #laneOf = new Map<number, Lane>();
  /** Who waits for a session, by nonce. */
  readonly #openers = new Map<number, Lane>();
  #deferred: Lane[] = [];
  /** Redirects that came since the last flush, each once: every session wants to know. */
  readonly #redirects = new Map<string, { readonly source: EndPoint; readonly message: Message<'redirect'> }>();
  readonly #ticker: NodeJS.Timeout;
  #flushing = false;
  #closed = false;

  private constructor(parts: GatewayParts, transport: Transport<RsmMessage>) {
    this.#parts = parts;
    this.#transport = transport;
    this.#door = parts.openDoor(transport.me, this.#fromReplica);
    this.#ticker = setInterval(this.#tick, tickMs);
    transport.onMessages(this.#fromSocket);
  }

  /** Opens the gateway's socket and its door to the replica. `Left`: one sentence. */
  static async open(parts: GatewayParts): Promise<E.Either<string, RsmGateway>> {
    const transport = await openClientTransport(parts.cluster);
    return E.isLeft(transport) ? transport : E.right(new RsmGateway(parts, transport.right));
  }

  /** Bytes of the longest operation. */
  get operationBytesMax(): number {
    return this.#parts.configuration.parameters.requestBytesMax - partHeaderBytes;
  }

  /** A session for a connection. */
  session(): GatewaySession {
    const lane = this.#spare.pop() ?? this.#newLane();
    let open = true;
    return {
      request: (operation, settled) => {
        if (operation.length > this.operationBytesMax) {
          const error = tooLarge(operation.length);
          process.nextTick(() => {
            if (open) settled({ tag: 'failed', error });
          });
        } else lane.waiting.set(lane.core.request(monotonicNowMs(), operation, Infinity), settled);
      },
      close: () => {
        open = false;
        this.#release(lane);
      },
    };
  }

  /** Ends every session and closes the socket. May be called again. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#ticker);
    this.#door.close();
    for (const { core, waiting } of this.#lanes) {
      waiting.clear();
      core.close();
    }
    this.#lanes.clear();
    await this.#transport.close();
  }

  #newLane(): Lane {
    const { replicas, parameters } = this.#parts.configuration;
    const waiting = new Map<number, (outcome: Outcome) => void>();
    const core: ClientCore = new ClientCore(
      {
        replicas,
        ordered: true,
        requestBytesMax: parameters.requestBytesMax,
        window: parameters.sessionWindow,
        retryMs,
        retryMsMax,
        random: Math.random,
        nonce: () => randomInt(nonceMax),
      },
      {
        send: (targets, messages) => this.#send(lane, targets, messages),
        settled: (id, outcome) => {
          const settled = waiting.get(id);
          waiting.delete(id);
          settled?.(outcome);
        },
        defer: () => this.#defer(lane),
      },
    );
    const lane: Lane = { core, waiting, nonce: undefined, session: undefined };
    this.#lanes.add(lane);
    return lane;
  }

  /** Keeps an idle session for another connection, and gives up one that has something outstanding. */
  #release(lane: Lane): void {
    lane.waiting.clear();
    if (this.#closed) return;
    if (!lane.core.busy && lane.session !== undefined && this.#spare.length < spareSessionsMax) {
      this.#spare.push(lane);
      return;
    }
    lane.core.close();
    this.#lanes.delete(lane);
    this.#forgetOpener(lane);
    if (lane.session !== undefined) this.#laneOf.delete(lane.session);
  }

  #send(lane: Lane, targets: readonly EndPoint[], messages: readonly RsmMessage[]): void {
    if (this.#closed) return;
    for (const message of messages) {
      if (message.tag === 'open' && message.nonce !== lane.nonce) {
        this.#forgetOpener(lane);
        lane.nonce = message.nonce;
        this.#openers.set(message.nonce, lane);
      }
      const bytes = rsmCodec.encode(message);
      for (const target of targets) {
        // What the inbox has no room for is asked for again, like a packet that was lost.
        if (target === this.#parts.me) this.#door.put(message, bytes);
        else this.#transport.send(target, bytes);
      }
    }
    this.#flushSoon();
  }

  #forgetOpener(lane: Lane): void {
    if (lane.nonce === undefined) return;
    this.#openers.delete(lane.nonce);
    lane.nonce = undefined;
  }

  #defer(lane: Lane): void {
    this.#deferred.push(lane);
    this.#flushSoon();
  }

  #flushSoon(): void {
    if (this.#flushing) return;
    this.#flushing = true;
    process.nextTick(this.#flush);
  }

  #receive(source: EndPoint, message: RsmMessage, nowMs: number): void {
    switch (message.tag) {
      case 'opened': {
        const lane = this.#openers.get(message.nonce);
        if (lane !== undefined) this.#tell(lane, source, message, nowMs);
        return;
      }
      case 'reply':
      case 'refused': {
        const lane = this.#laneOf.get(message.session);
        if (lane !== undefined) this.#tell(lane, source, message, nowMs);
        return;
      }
      case 'redirect':
        this.#redirects.set(`${source} ${message.view.seqno} ${message.view.proposer}`, { source, message });
        this.#flushSoon();
        return;
      default:
        return;
    }
  }

  /** Hands a packet over, and keeps up with the session that comes or goes with it. */
  #tell(lane: Lane, source: EndPoint, message: RsmMessage, nowMs: number): void {
    lane.core.onPacket(source, message, nowMs);
    const session = lane.core.session?.id;
    if (session === lane.session) return;
    if (lane.session !== undefined) this.#laneOf.delete(lane.session);
    lane.session = session;
    if (session === undefined) return;
    this.#laneOf.set(session, lane);
    this.#forgetOpener(lane);
  }

  readonly #fromReplica = (messages: readonly Uint8Array[]): void => {
    if (this.#closed) return;
    const nowMs = monotonicNowMs();
    for (const bytes of messages) {
      const message = rsmCodec.decode(bytes);
      if (E.isRight(message)) this.#receive(this.#parts.me, message.right, nowMs);
    }
  };

  readonly #fromSocket = (): void => {
    const { inbox } = this.#transport;
    const nowMs = monotonicNowMs();
    for (let datum = inbox.shift(); datum !== undefined; datum = inbox.shift()) {
      this.#receive(datum.packet.source, datum.packet.message, nowMs);
    }
  };

  readonly #flush = (): void => {
    if (this.#closed) return;
    const nowMs = monotonicNowMs();
    const redirects = [...this.#redirects.values()];
    this.#redirects.clear();
    for (const { source, message } of redirects) {
      for (const lane of this.#lanes) lane.core.onPacket(source, message, nowMs);
    }
    const deferred = this.#deferred;
    this.#deferred = [];
    for (const { core } of deferred) core.flush(nowMs);
    this.#flushing = false;
    this.#transport.flush();
  };

  readonly #tick = (): void => {
    const nowMs = monotonicNowMs();
    for (const { core } of this.#lanes) if (core.wakeAtMs <= nowMs) core.onTime(nowMs);
  };
}
