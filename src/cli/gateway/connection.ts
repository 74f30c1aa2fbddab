/**
 * One connection of the Redis protocol: commands in, replies out in their order. What it holds is bounded: it reads the
 * socket only while there is room for what it read, and starts a command only while there is room for the reply.
 */
import type { Socket } from 'node:net';
import { type Args, type CommandIo, type KeyCommand, keyCommands } from './commands.js';
import { type ConnectionState, connectionCommands, unknownCommand, wrongNumber } from './connection-commands.js';
import { RespParser } from './resp-parser.js';
import { errorReply, type Reply, ReplyWriter } from './resp-reply.js';
import type { AtomicStore, RespStore, StoreCommand, StoreSession, StoreSettlement } from './store.js';

/** Bounds on what one connection holds. */
export interface ConnectionLimits {
  /** Arguments of one command. */
  readonly argumentsMax: number;
  /** Bytes of one command. */
  readonly commandBytesMax: number;
  /** Commands without a reply. */
  readonly commandsMax: number;
  /** Bytes of commands and replies under way, beyond which no further command is started. One command may exceed it. */
  readonly heldBytesMax: number;
  /** Bytes of the largest reply. */
  readonly replyBytesMax: number;
}

/** The limits of a gateway: a client that reads nothing costs a few megabytes, one that asks for the largest values more. */
export const connectionLimits: ConnectionLimits = {
  argumentsMax: 65_536,
  commandBytesMax: 64 * 1024 * 1024,
  commandsMax: 256,
  heldBytesMax: 4 * 1024 * 1024,
  replyBytesMax: 64 * 1024 * 1024,
};

/** What a connection is made of. */
export interface ConnectionParts {
  readonly socket: Socket;
  readonly store: RespStore;
  readonly limits: ConnectionLimits;
  readonly id: number;
  readonly serverVersion: string;
}

/** A command under way, and its reply once it has one. */
interface Slot {
  /** Bytes that it holds and that its reply will probably hold. */
  readonly bytes: number;
  reply: Reply | undefined;
}

/** What each command and each argument cost besides their bytes. */
const slotBytes = 256;

/** A client that does not read its last replies is not waited for longer. */
const endGraceMs = 10_000;

/** Serves one client until it, or the gateway, ends the connection. */
export class RespConnection {
  readonly #parts: ConnectionParts;
  readonly #session: StoreSession;
  readonly #parser: RespParser;
  readonly #writer = new ReplyWriter();
  readonly #state: ConnectionState;
  readonly #io: CommandIo;
  /** In the order of the commands. */
  #slots: Slot[] = [];
  #slotsBytes = 0;
  /** The command that what follows has to wait for. */
  #waitsFor: Slot | undefined;
  #turning = false;
  /** No further command is read; the connection ends with the last reply. */
  #ending = false;
  #ended = false;
  /** The client sends nothing more, and may still read. */
  #clientEnded = false;

  constructor(parts: ConnectionParts) {
    const { socket, store, limits, id, serverVersion } = parts;
    this.#parts = parts;
    this.#session = store.session();
    this.#parser = new RespParser({
      argumentBytesMax: Math.min(limits.commandBytesMax, store.valueBytesMax + 65_536),
      argumentsMax: limits.argumentsMax,
      commandBytesMax: limits.commandBytesMax,
    });
    this.#state = {
      id,
      version: 2,
      name: '',
      serverVersion,
      end: () => {
        this.#ending = true;
      },
      countKeys: () => this.#session.countKeys(),
    };
    this.#io = {
      request: this.#request,
      atomic: this.#session.atomic && this.#bounded(this.#session.atomic),
      sizeOf: (key) => store.sizeOf(key),
      replyBytesMax: limits.replyBytesMax,
    };
    socket.setNoDelay(true);
    // A client that vanished without a word is noticed.
    socket.setKeepAlive(true, 60_000);
    socket.on('data', this.#onData);
    socket.on('drain', this.#turnSoon);
    socket.on('end', this.#onEnd);
    // The socket closes after an error.
    socket.on('error', () => undefined);
    socket.on('close', this.#onClose);
  }

  /** Bytes that the connection holds: input, commands under way, replies that the client has not taken. */
  get heldBytes(): number {
    return this.#parser.heldBytes + this.#slotsBytes + this.#writer.bytes + this.#parts.socket.writableLength;
  }

  readonly #onData = (chunk: Buffer): void => {
    this.#parser.push(chunk);
    this.#turn();
  };

  readonly #onEnd = (): void => {
    this.#clientEnded = true;
    this.#turnSoon();
  };

  readonly #onClose = (): void => {
    this.#ended = true;
    this.#slots = [];
    this.#session.close();
  };

  /** Once after all replies of one moment. */
  readonly #turnSoon = (): void => {
    if (this.#turning || this.#ended) return;
    this.#turning = true;
    process.nextTick(this.#turn);
  };

  /** Starts what there is room for, writes what is answered, and reads on only where all that was read is under way. */
  readonly #turn = (): void => {
    this.#turning = false;
    if (this.#ended) return;
    const { socket } = this.#parts;
    this.#writeReplies();
    const starved = this.#startCommands();
    this.#writeReplies();
    if (starved && this.#clientEnded) this.#ending = true;
    if (starved && !this.#ending) socket.resume();
    else if (!socket.isPaused()) socket.pause();
    if (this.#ending && this.#slots.length === 0) this.#end();
  };

  /** Whether all input was taken: what is held then waits for more of it. */
  #startCommands(): boolean {
    while (!this.#ending && this.#hasRoom()) {
      const parsed = this.#parser.next();
      if (parsed.tag === 'more') return true;
      if (parsed.tag === 'error') {
        this.#ending = true;
        this.#finish(this.#newSlot(slotBytes), errorReply(parsed.message));
      } else this.#start(parsed.args, parsed.bytes);
    }
    return false;
  }

  #hasRoom(): boolean {
    if (this.#waitsFor !== undefined) return false;
    const { limits, socket } = this.#parts;
    const heldBytes = this.#slotsBytes + this.#writer.bytes + socket.writableLength;
    if (this.#slots.length === 0 && heldBytes === 0) return true;
    return this.#slots.length < limits.commandsMax && heldBytes < limits.heldBytesMax;
  }

  #newSlot(bytes: number): Slot {
    const slot: Slot = { bytes, reply: undefined };
    this.#slots.push(slot);
    this.#slotsBytes += bytes;
    return slot;
  }

  #start(words: Args, bytes: number): void {
    const [first, ...args] = words as [Uint8Array, ...Uint8Array[]];
    const name = Buffer.from(first.buffer, first.byteOffset, first.length).toString('latin1').toLowerCase();
    const key = keyCommands.get(name);
    const known = key ?? connectionCommands.get(name);
    const held = bytes + slotBytes * words.length;
    if (known === undefined) this.#finish(this.#newSlot(held), unknownCommand(first, args));
    else if (known.arity >= 0 ? words.length !== known.arity : words.length < -known.arity) {
      this.#finish(this.#newSlot(held), wrongNumber(name));
    } else if (key !== undefined) {
      const slot = this.#newSlot(held + this.#expectedBytes(key, args));
      // Where it cannot swap, it asks the store more than once in a row.
      if (key.swaps === true && this.#io.atomic === undefined) this.#waitsFor = slot;
      key.run(args, this.#io, (reply) => this.#finish(slot, reply));
    } else this.#startOwn(connectionCommands.get(name)?.run(args, this.#state), held);
  }

  #startOwn(reply: Reply | Promise<Reply> | undefined, bytes: number): void {
    const slot = this.#newSlot(bytes);
    if (!(reply instanceof Promise)) {
      if (reply !== undefined) this.#finish(slot, reply);
      return;
    }
    this.#waitsFor = slot;
    void reply.then((late) => this.#finish(slot, late));
  }

  /** Bytes of the values that the reply will probably hold. */
  #expectedBytes({ keys: [from, to, step], writes, swaps }: KeyCommand, args: Args): number {
    if (writes && swaps !== true) return 0;
    const end = to < 0 ? args.length : to;
    let bytes = 0;
    for (let i = from - 1; i < end; i += step) bytes += this.#parts.store.sizeOf(args[i] as Uint8Array);
    return bytes;
  }

  #finish(slot: Slot, reply: Reply): void {
    slot.reply = reply;
    if (this.#waitsFor === slot) this.#waitsFor = undefined;
    this.#turnSoon();
  }

  /** Writes the replies up to the first that is missing. */
  #writeReplies(): void {
    const { socket } = this.#parts;
    let written = 0;
    for (const { reply, bytes } of this.#slots) {
      if (reply === undefined) break;
      this.#writer.write(reply, this.#state.version);
      this.#slotsBytes -= bytes;
      written++;
    }
    if (written === 0) return;
    this.#slots = written === this.#slots.length ? [] : this.#slots.slice(written);
    const pieces = this.#writer.take();
    if (pieces.length > 1) socket.cork();
    for (const piece of pieces) {
      if (typeof piece === 'string') socket.write(piece, 'latin1');
      else socket.write(piece);
    }
    if (pieces.length > 1) socket.uncork();
  }

  #end(): void {
    const { socket } = this.#parts;
    this.#ended = true;
    socket.end();
    setTimeout(() => socket.destroy(), endGraceMs).unref();
  }

  readonly #request = (command: StoreCommand, settled: (settlement: StoreSettlement) => void): void => {
    const refusal = this.#refusal(command.key, 'value' in command ? command.value : undefined);
    if (refusal === undefined) this.#session.request(command, settled);
    else settled(refusal);
  };

  /** Refuses what is too long before the store is asked. */
  #bounded({ all, swap }: AtomicStore): AtomicStore {
    return {
      all: (commands, settled) => {
        for (const command of commands) {
          const refusal = this.#refusal(command.key, 'value' in command ? command.value : undefined);
          if (refusal === undefined) continue;
          settled(commands.map(() => refusal));
          return;
        }
        all(commands, settled);
      },
      swap: (key, value, settled) => {
        const refusal = this.#refusal(key, value);
        if (refusal === undefined) swap(key, value, settled);
        else settled(refusal);
      },
    };
  }

  #refusal(key: Uint8Array, value: Uint8Array | undefined): StoreSettlement | undefined {
    const { keyBytesMax, valueBytesMax } = this.#parts.store;
    let message: string | undefined;
    if (key.length > keyBytesMax) message = `the key is longer than the limit of ${keyBytesMax} bytes`;
    else if (value !== undefined && value.length > valueBytesMax) {
      message = `the value is longer than the limit of ${valueBytesMax} bytes`;
    }
    return message === undefined ? undefined : { tag: 'failed', error: { message } };
  }
}
