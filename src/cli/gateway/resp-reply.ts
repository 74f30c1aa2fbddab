/** Replies of the Redis protocol, in RESP2 and RESP3. */

/** What a command answers. */
export type Reply =
  | { readonly tag: 'simple'; readonly text: string }
  /** Begins with a code in capitals, `ERR` where there is none better. */
  | { readonly tag: 'error'; readonly message: string }
  | { readonly tag: 'integer'; readonly value: number }
  /** Null: there is no such value. */
  | { readonly tag: 'bulk'; readonly value: Uint8Array | string | null }
  | { readonly tag: 'array'; readonly items: readonly Reply[] }
  /** Pairs of keys and values; in RESP2 a flat array. */
  | { readonly tag: 'map'; readonly pairs: readonly (readonly [Reply, Reply])[] };

/** The version of the protocol that a connection speaks. */
export type RespVersion = 2 | 3;

export const ok: Reply = { tag: 'simple', text: 'OK' };
export const nil: Reply = { tag: 'bulk', value: null };
export const integer = (value: number): Reply => ({ tag: 'integer', value });
export const bulk = (value: Uint8Array | string | null): Reply => ({ tag: 'bulk', value });
export const array = (items: readonly Reply[]): Reply => ({ tag: 'array', items });
export const errorReply = (message: string): Reply => ({ tag: 'error', message });

/** Values from this size on are written as they are, and not copied into text. */
const wholeBytesMin = 4096;

/** An error is one line: what a client sent cannot add another. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out
const oneLine = (text: string): string => text.replace(/[\u0000-\u001f\u007f-\uffff]/g, ' ');

/** Gathers replies as few pieces for a socket. Text is latin1: bytes as characters. */
export class ReplyWriter {
  #pieces: (Buffer | string)[] = [];
  #text = '';
  #bytes = 0;

  /** Bytes that wait to be taken. */
  get bytes(): number {
    return this.#bytes + this.#text.length;
  }

  /** Adds a reply. */
  write(reply: Reply, version: RespVersion): void {
    switch (reply.tag) {
      case 'simple':
        this.#text += `+${reply.text}\r\n`;
        return;
      case 'error':
        this.#text += `-${oneLine(reply.message)}\r\n`;
        return;
      case 'integer':
        this.#text += `:${reply.value}\r\n`;
        return;
      case 'bulk':
        this.#bulk(reply.value, version);
        return;
      case 'array':
        this.#text += `*${reply.items.length}\r\n`;
        for (const item of reply.items) this.write(item, version);
        return;
      case 'map':
        this.#text += version === 3 ? `%${reply.pairs.length}\r\n` : `*${reply.pairs.length * 2}\r\n`;
        for (const [key, value] of reply.pairs) {
          this.write(key, version);
          this.write(value, version);
        }
    }
  }

  /** Takes what was gathered, in order. */
  take(): readonly (Buffer | string)[] {
    const pieces = this.#text === '' ? this.#pieces : [...this.#pieces, this.#text];
    this.#pieces = [];
    this.#text = '';
    this.#bytes = 0;
    return pieces;
  }

  #bulk(value: Uint8Array | string | null, version: RespVersion): void {
    if (value === null) {
      this.#text += version === 3 ? '_\r\n' : '$-1\r\n';
      return;
    }
    const bytes =
      typeof value === 'string' ? Buffer.from(value) : Buffer.from(value.buffer, value.byteOffset, value.length);
    this.#text += `$${bytes.length}\r\n`;
    if (bytes.length < wholeBytesMin) this.#text += `${bytes.toString('latin1')}\r\n`;
    else {
      this.#pieces.push(this.#text, bytes);
      this.#bytes += this.#text.length + bytes.length;
      this.#text = '\r\n';
    }
  }
}
