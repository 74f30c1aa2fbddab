/**
 * What stands behind a gateway in a replica's process (README.md, "The gateway of the Redis protocol"): ordered sessions, whose requests
 * enter the replicas as packets like any other client's, journaled and judged. The local replica is reached through its inbox, the
 * others through a socket of the gateway.
 */
import { randomInt } from 'node:crypto';
import { GatewayPort, type OpenDoor, spareSessionsMax } from '../../src/client/gateway-port.js';
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
  readonly openDoor: OpenDoor<RsmMessage>;
  /** After which a command without an answer is given up. */
  readonly timeoutMs: number;
}

/** Operations of one connection: executed in the order in which they were made, each at most once. */
export interface GatewaySession {
  /** Calls `settled` once, later than this call. The operation's bytes must not change until then. */
  request(operation: Uint8Array, settled: (outcome: Outcome) => void): void;
  /** Ends it. What is outstanding is given up without a word; whether it is executed is unknown. */
  close(): void;
}

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
  readonly #port: GatewayPort<RsmMessage>;
  readonly #lanes = new Set<Lane>();
  readonly #spare: Lane[] = [];
  readonly #laneOf = new Map<number, Lane>();
  /** Who waits for a session, by nonce. */
  readonly #openers = new Map<number, Lane>();
  #deferred: Lane[] = [];
  /** Redirects that came since the last flush, each once: every session wants to know. */
  readonly #redirects = new Map<string, { readonly source: EndPoint; readonly message: Message<'redirect'> }>();

  private constructor(parts: GatewayParts, transport: Transport<RsmMessage>) {
    this.#parts = parts;
    this.#port = new GatewayPort(transport, rsmCodec, parts.me, parts.openDoor, {
      received: (source, message, nowMs) => this.#receive(source, message, nowMs),
      ticked: (nowMs) => this.#tick(nowMs),
      leaving: (nowMs) => this.#beforeFlush(nowMs),
    });
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
        } else lane.waiting.set(lane.core.request(monotonicNowMs(), operation, this.#parts.timeoutMs), settled);
      },
      close: () => {
        open = false;
        this.#release(lane);
      },
    };
  }

  /** Ends every session and closes the socket. May be called again. */
  async close(): Promise<void> {
    const closed = this.#port.close();
    for (const { core, waiting } of this.#lanes) {
      waiting.clear();
      core.close();
    }
    this.#lanes.clear();
    await closed;
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
    if (this.#port.closed) return;
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
    if (this.#port.closed) return;
    for (const message of messages) {
      if (message.tag === 'open' && message.nonce !== lane.nonce) {
        this.#forgetOpener(lane);
        lane.nonce = message.nonce;
        this.#openers.set(message.nonce, lane);
      }
      // What the inbox has no room for is asked for again, like a packet that was lost.
      this.#port.send(targets, message);
    }
  }

  #forgetOpener(lane: Lane): void {
    if (lane.nonce === undefined) return;
    this.#openers.delete(lane.nonce);
    lane.nonce = undefined;
  }

  #defer(lane: Lane): void {
    this.#deferred.push(lane);
    this.#port.flushSoon();
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
        this.#port.flushSoon();
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

  #beforeFlush(nowMs: number): void {
    const redirects = [...this.#redirects.values()];
    this.#redirects.clear();
    for (const { source, message } of redirects) {
      for (const lane of this.#lanes) lane.core.onPacket(source, message, nowMs);
    }
    const deferred = this.#deferred;
    this.#deferred = [];
    for (const { core } of deferred) core.flush(nowMs);
  }

  #tick(nowMs: number): void {
    for (const { core } of this.#lanes) if (core.wakeAtMs <= nowMs) core.onTime(nowMs);
  }
}
