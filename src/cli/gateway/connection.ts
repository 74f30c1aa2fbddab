/**
 * One connection of the Redis protocol: commands in, replies out in their order. What it holds is bounded: it reads the
 * socket only while there is room for what it read, and starts a command only while there is room for the reply.
 */
import type { Socket } from 'node:net';
import { boundedSession } from './bounded-session.js';
import { CommandNames } from './command-names.js';
import { type Args, type CommandIo, type KeyCommand, keyCommands } from './commands.js';
import { type ConnectionState, connectionCommands, unknownCommand, wrongNumber } from './connection-commands.js';
import type { HeldBytes } from './held-bytes.js';
import { argumentBytes, RespParser } from './resp-parser.js';
import { errorReply, type Reply, ReplyWriter } from './resp-reply.js';
import { partBytes, replyBytes, type Slot, Slots } from './slots.js';
import type { RespStore, StoreSession } from './store.js';

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
  /** Bytes of the largest reply. Values that grew while they were read may take as much together beyond `heldBytesMax`. */
  readonly replyBytesMax: number;
  /** Bytes that all connections hold together; from half of it on each has one command at a time. */
  readonly allHeldBytesMax: number;
}

/** The limits of a gateway: a client that reads nothing costs a few megabytes, one that asks for the largest values more. */
export const connectionLimits: ConnectionLimits = {
  argumentsMax: 65_536,
  commandBytesMax: 64 * 1024 * 1024,
  commandsMax: 256,
  heldBytesMax: 4 * 1024 * 1024,
  replyBytesMax: 64 * 1024 * 1024,
  allHeldBytesMax: 512 * 1024 * 1024,
};

/** What a connection is made of. */
export interface ConnectionParts {
  readonly socket: Socket;
  readonly store: RespStore;
  readonly limits: ConnectionLimits;
  /** What all connections hold. */
  readonly all: HeldBytes;
  readonly id: number;
  readonly serverVersion: string;
}

const names = new CommandNames([...keyCommands.keys(), ...connectionCommands.keys()]);

const tooMuchReply = errorReply(
  'ERR REPLY_TOO_LARGE: the command was executed, but values grew, and there is no room for all replies of the connection',
);

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
  #slots = new Slots();
  /** The command that is being started. */
  #starting: Slot | undefined;
  /** The command that what follows has to wait for. */
  #waitsFor: Slot | undefined;
  #turning = false;
  /** No further command is read; the connection ends with the last reply. */
  #ending = false;
  #ended = false;
  /** Nothing is held any more. */
  #released = false;
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
      ...boundedSession(this.#session, store),
      sizeOf: (key) => store.sizeOf(key),
      gathering: this.#gathering,
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
    return this.#parser.heldBytes + this.#slots.heldBytes + this.#writer.bytes + this.#parts.socket.writableLength;
  }

  /** Ends the connection at once, without its replies. */
  evict(): void {
    this.#parts.socket.destroy();
    this.#release();
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
    this.#release();
  };

  #release(): void {
    if (this.#released) return;
    this.#released = true;
    this.#ended = true;
    this.#slots = new Slots();
    this.#parser.clear();
    this.#session.close();
    this.#parts.all.tell(this, 0);
  }

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
    this.#parts.all.tell(this, this.heldBytes);
    if (this.#ending && this.#slots.length === 0) this.#end();
  };

  /** Whether all input was taken: what is held then waits for more of it. */
  #startCommands(): boolean {
    while (!this.#ending && this.#hasRoom()) {
      const parsed = this.#parser.next();
      if (parsed.tag === 'more') return true;
      if (parsed.tag === 'error') {
        this.#ending = true;
        this.#finish(this.#newSlot(0), errorReply(parsed.message));
      } else this.#start(parsed.args, parsed.bytes);
    }
    return false;
  }

  #hasRoom(): boolean {
    if (this.#waitsFor !== undefined) return false;
    const { limits, socket, all } = this.#parts;
    const heldBytes = this.#slots.heldBytes + this.#slots.roomBytes + this.#writer.bytes + socket.writableLength;
    // A reply or the socket's drain goes on with what has to wait.
    if (this.#slots.length === 0 && !socket.writableNeedDrain) return true;
    return this.#slots.length < limits.commandsMax && heldBytes < limits.heldBytesMax && !all.crowded;
  }

  /** Its reply is written in the version that the connection speaks now. */
  #newSlot(bytes: number): Slot {
    return this.#slots.open(bytes, this.#state.version);
  }

  #start(words: Args, bytes: number): void {
    const first = words[0] as Uint8Array;
    const args = words.slice(1);
    const name = names.find(first);
    const key = name === undefined ? undefined : keyCommands.get(name);
    const known = name === undefined ? undefined : (key ?? connectionCommands.get(name));
    const held = bytes + argumentBytes * words.length;
    if (name === undefined || known === undefined) this.#finish(this.#newSlot(held), unknownCommand(first, args));
    else if (known.arity >= 0 ? words.length !== known.arity : words.length < -known.arity) {
      this.#finish(this.#newSlot(held), wrongNumber(name));
    } else if (key !== undefined) {
      const slot = this.#newSlot(held);
      this.#slots.expect(slot, this.#roomFor(key, args), key.writes ? bytes : 0);
      // Where it cannot swap, it asks the store more than once in a row.
      if (key.swaps === true && this.#io.atomic === undefined) this.#waitsFor = slot;
      this.#starting = slot;
      key.run(args, this.#io, (reply) => this.#finish(slot, reply));
      this.#starting = undefined;
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

  /** Bytes that the values in the reply may have: the most that there can be of one whose size is not known here. */
  #roomFor({ keys: [from, to, step], tells }: KeyCommand, args: Args): number {
    if (tells !== true) return 0;
    const { store, limits } = this.#parts;
    // The connection's own writes before it are executed first.
    const growth = this.#slots.writesBytes;
    const end = to < 0 ? args.length : to;
    let bytes = 0;
    for (let i = from - 1; i < end; i += step) {
      const size = store.sizeOf(args[i] as Uint8Array);
      bytes += size === undefined ? store.valueBytesMax : Math.min(size + growth, store.valueBytesMax);
    }
    return Math.min(bytes, limits.replyBytesMax);
  }

  readonly #gathering = (): ((bytes: number) => void) => {
    const slot = this.#starting;
    return (bytes) => {
      if (slot === undefined || this.#ended) return;
      this.#slots.gather(slot, bytes);
      this.#turnSoon();
    };
  };

  #finish(slot: Slot, reply: Reply): void {
    if (this.#ended) return;
    const bytes = replyBytes(reply);
    if (this.#hasRoomFor(bytes)) this.#slots.answer(slot, reply, bytes);
    else this.#slots.answer(slot, tooMuchReply, replyBytes(tooMuchReply));
    if (this.#waitsFor === slot) this.#waitsFor = undefined;
    this.#turnSoon();
  }

  /** False only where values grew after room was kept for them. */
  #hasRoomFor(bytes: number): boolean {
    const { limits, socket } = this.#parts;
    const unread = this.#slots.answeredBytes + this.#writer.bytes + socket.writableLength;
    const most = limits.heldBytesMax + limits.replyBytesMax + partBytes * limits.argumentsMax;
    return unread === 0 || unread + bytes <= most;
  }

  /** Writes the replies up to the first that is missing. */
  #writeReplies(): void {
    const { socket } = this.#parts;
    const answered = this.#slots.take();
    if (answered.length === 0) return;
    for (const { reply, version } of answered) if (reply !== undefined) this.#writer.write(reply, version);
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
}
