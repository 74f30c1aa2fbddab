/** Which packets a step takes: so many, and so few where their values are long, that the step stays short (README.md, "What the host adds"). */
import type { Packet } from '../../../src/spec/packet.js';
import type { Command } from '../commands.js';
import { textOfKey } from '../commands.js';
import type { Parameters } from '../configuration.js';
import type { KvMessage } from '../messages.js';
import type { OrderedTable } from './ordered-table.js';
import type { KvIo } from './step-scope.js';

/** Takes the packets of one step after the other. */
export class Intake {
  readonly #receiveMax: number;
  readonly #stepBytesMax: number;
  /** Values of more bytes are long. As many short ones as there are packets in a step are never too much. */
  readonly #shortMax: number;
  readonly #table: OrderedTable;
  /** The longest value that a packet of the step carries. */
  #carried = 0;
  /** Bytes that the step appends. */
  #appended = 0;

  constructor({ receiveMax, stepBytesMax }: Parameters, table: OrderedTable) {
    this.#receiveMax = receiveMax;
    this.#stepBytesMax = stepBytesMax;
    this.#shortMax = Math.floor(stepBytesMax / receiveMax);
    this.#table = table;
  }

  /** The packets of a step that begins. */
  take(io: KvIo): readonly Packet<KvMessage>[] {
    this.#carried = 0;
    this.#appended = 0;
    const packets: Packet<KvMessage>[] = [];
    for (let bytes = 0; packets.length < this.#receiveMax && bytes <= this.#stepBytesMax; ) {
      const packet = io.receiveAll(1)[0];
      if (packet === undefined) break;
      packets.push(packet);
      bytes += this.#longBytesOf(packet.message);
    }
    return packets;
  }

  /** Bytes of the long values that the message carries or asks for. */
  #longBytesOf(message: KvMessage): number {
    if (message.tag === 'request') return this.#longBytesOfCommand(message.command);
    if (message.tag !== 'deliver' || message.body.tag !== 'delegate') return 0;
    let bytes = 0;
    for (const { value } of message.body.pairs) bytes += this.#carry(value.length);
    return bytes;
  }

  #longBytesOfCommand(command: Command): number {
    switch (command.tag) {
      case 'get':
        return this.#asked(command.key);
      case 'append':
        this.#appended += command.value.length;
        return this.#long(command.value.length);
      case 'set':
        return this.#carry(command.value.length);
      case 'compareAndSet':
        return this.#carry(command.value.length) + this.#long(command.old?.length ?? 0);
      default:
        return 0;
    }
  }

  /** Bytes that the value at `key` may have when the step comes to read it. */
  #asked(key: Uint8Array): number {
    // The table is searched only if something in it may be long enough.
    const carried = this.#carried + this.#appended;
    if (carried <= this.#shortMax && this.#table.longest + this.#appended <= this.#shortMax) return 0;
    const stored = this.#table.get(textOfKey(key))?.length ?? 0;
    return this.#long(Math.max(stored, this.#carried) + this.#appended);
  }

  #carry(length: number): number {
    if (length > this.#carried) this.#carried = length;
    return this.#long(length);
  }

  #long(length: number): number {
    return length > this.#shortMax ? length : 0;
  }
}
