/**
 * What stands behind a gateway in a host's process (README.md, "The gateway of the Redis protocol"): ordered sessions, whose requests enter
 * the host as packets like any other client's, journaled and judged. The local host is reached through its inbox, where nothing is
 * lost, the others through a socket of the gateway.
 */
import { randomInt } from 'node:crypto';
import { GatewayPort, type OpenDoor, spareSessionsMax } from '../../src/client/gateway-port.js';
import { monotonicNowMs } from '../../src/host/real-time.js';
import type { Transport } from '../../src/network/transport.js';
import type { EndPoint } from '../../src/spec/endpoint.js';
import { E } from '../../src/spec/prelude.js';
import { ClientCore } from './client/core.js';
import type { OpenSession } from './client/opening.js';
import type { Settlement } from './client/outcome.js';
import { type ClientOptions, openClientTransport, renewMsDefault } from './client/port.js';
import { RangeCache } from './client/range-cache.js';
import { Repeats } from './client/repeats.js';
import { statusOver } from './client/status.js';
import { type Command, textOfKey } from './commands.js';
import type { Configuration } from './configuration.js';
import type { KvHost } from './host.js';
import { type KvMessage, kvCodec, type Session, wireMax } from './messages.js';

/** What a gateway works on. */
export interface GatewayParts {
  readonly cluster: ClientOptions;
  readonly configuration: Configuration;
  /** The host of this process. */
  readonly me: EndPoint;
  readonly openDoor: OpenDoor<KvMessage>;
  /** After which a command without an answer is given up, and its session with it. */
  readonly timeoutMs: number;
}

/** Requests of one connection: executed in the order in which they were made, each write at most once. */
export interface GatewaySession {
  /** Calls `settled` once, later than this call. The command's bytes must not change until then. */
  request(command: Command, settled: (settlement: Settlement) => void): void;
  /** Ends it. What is outstanding is given up without a word; whether it is executed is unknown. */
  close(): void;
}

const retryMs = 100;
const retryMsMax = 1000;

/** Bytes of the value at `key`: 0 where `host`, whose index is `me`, owns the key and has none, `undefined` where another host owns it. */
export const valueBytesAt = (
  { table, map }: Pick<KvHost, 'table' | 'map'>,
  me: number,
  key: Uint8Array,
): number | undefined => {
  const text = textOfKey(key);
  return table.get(text)?.length ?? (map.hostAt(map.positionOf(text)) === me ? 0 : undefined);
};

/** All sessions of one gateway. */
export class KvGateway {
  readonly #parts: GatewayParts;
  readonly #port: GatewayPort<KvMessage>;
  /** By index, each as the one target of a message. */
  readonly #targets: readonly (readonly EndPoint[])[];
  readonly #myIndex: number;
  readonly #ranges = new RangeCache();
  readonly #repeats = new Repeats();
  readonly #spare: OpenSession[] = [];
  readonly #cores = new Set<ClientCore>();
  /** By the number of the session; the core compares the rest of it. */
  readonly #coreOf = new Map<number, ClientCore>();
  /** Who waits for a session, by nonce. */
  readonly #openers = new Map<number, ClientCore>();
  readonly #nonceOf = new Map<ClientCore, number>();

  private constructor(parts: GatewayParts, transport: Transport<KvMessage>) {
    this.#parts = parts;
    const { hosts } = parts.configuration;
    this.#targets = hosts.map((host) => [host]);
    this.#myIndex = hosts.indexOf(parts.me);
    this.#port = new GatewayPort(transport, kvCodec, parts.me, parts.openDoor, {
      received: (source, message, nowMs) => this.#receive(source, message, nowMs),
      ticked: (nowMs) => this.#tick(nowMs),
    });
  }

  /** Opens the gateway's socket and its door to the host. `Left`: one sentence. */
  static async open(parts: GatewayParts): Promise<E.Either<string, KvGateway>> {
    const transport = await openClientTransport(parts.cluster);
    return E.isLeft(transport) ? transport : E.right(new KvGateway(parts, transport.right));
  }

  /** A session for a connection. */
  session(): GatewaySession {
    const waiting = new Map<number, (settlement: Settlement) => void>();
    const spare = this.#spare.pop();
    const { timeoutMs, configuration } = this.#parts;
    const { parameters, hosts } = configuration;
    const core: ClientCore = new ClientCore(
      {
        hosts,
        ordered: true,
        window: parameters.sessionWindowMax,
        retryMs,
        retryMsMax,
        renewMs: renewMsDefault,
        random: Math.random,
        nonce: () => randomInt(wireMax.nonce + 1),
        reliableHost: this.#myIndex,
        ranges: this.#ranges,
        repeats: this.#repeats,
        ...(spare === undefined ? {} : { session: spare }),
      },
      {
        send: (host, message) => this.#send(core, host, message),
        settled: (id, settlement) => {
          const settled = waiting.get(id);
          waiting.delete(id);
          settled?.(settlement);
        },
        opened: ({ number }: Session) => this.#opened(core, number),
        left: ({ number }: Session) => this.#coreOf.delete(number),
      },
    );
    if (spare !== undefined) this.#coreOf.set(spare.session.number, core);
    this.#cores.add(core);
    return {
      request: (command, settled) => waiting.set(core.request(monotonicNowMs(), command, timeoutMs), settled),
      close: () => {
        waiting.clear();
        this.#cores.delete(core);
        this.#forgetOpener(core);
        const left = core.close();
        if (left !== undefined && this.#spare.length < spareSessionsMax) this.#spare.push(left);
      },
    };
  }

  /** The keys of all hosts together; `undefined` where one does not answer. */
  async countKeys(timeoutMs: number): Promise<number | undefined> {
    // A socket of its own: the answers must not meet those to requests.
    const asker = await openClientTransport(this.#parts.cluster);
    if (E.isLeft(asker)) return undefined;
    const statuses = await statusOver(asker.right, this.#parts.configuration.hosts, timeoutMs);
    await asker.right.close();
    let keys = 0;
    for (const { answer } of statuses) {
      if (answer === undefined) return undefined;
      keys += answer.keys;
    }
    return keys;
  }

  /** Ends every session and closes the socket. May be called again. */
  async close(): Promise<void> {
    const closed = this.#port.close();
    for (const core of this.#cores) core.close();
    this.#cores.clear();
    await closed;
  }

  #send(core: ClientCore, host: number, message: KvMessage): boolean {
    if (this.#port.closed) return true;
    if (message.tag === 'open') {
      this.#forgetOpener(core);
      this.#openers.set(message.nonce, core);
      this.#nonceOf.set(core, message.nonce);
    }
    // An `open` that is not taken is asked for again, like one that was lost.
    return this.#port.send(this.#targets[host] as readonly EndPoint[], message);
  }

  #opened(core: ClientCore, number: number): void {
    this.#forgetOpener(core);
    this.#coreOf.set(number, core);
  }

  #forgetOpener(core: ClientCore): void {
    const nonce = this.#nonceOf.get(core);
    if (nonce === undefined) return;
    this.#nonceOf.delete(core);
    if (this.#openers.get(nonce) === core) this.#openers.delete(nonce);
  }

  #receive(source: EndPoint, message: KvMessage, nowMs: number): void {
    if (!('session' in message)) return;
    const { number, nonce } = message.session;
    const core = message.tag === 'opened' ? this.#openers.get(nonce) : this.#coreOf.get(number);
    core?.onPacket(source, message, nowMs);
  }

  #tick(nowMs: number): void {
    for (const core of this.#cores) if (core.wakeAtMs <= nowMs) core.onTime(nowMs);
  }
}
