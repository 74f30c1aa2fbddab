/** A client of the Redis protocol without a library: sends text and reads what comes. */
import { connect, type Socket } from 'node:net';
import { expect } from 'vitest';

/** A client that sends text and reads what comes. */
export class RawClient {
  readonly socket: Socket;
  #text = '';
  #ended = false;
  #watchers: (() => void)[] = [];

  constructor(port: number) {
    this.socket = connect(port, '127.0.0.1');
    this.socket.setNoDelay(true);
    this.socket.on('data', (data) => {
      this.#text += data.toString('latin1');
      this.#tell();
    });
    this.socket.on('close', () => {
      this.#ended = true;
      this.#tell();
    });
    this.socket.on('error', () => undefined);
  }

  /** Everything up to and with the next `length` bytes. */
  async read(length: number): Promise<string> {
    while (this.#text.length < length && !this.#ended)
      await new Promise<void>((resolve) => this.#watchers.push(resolve));
    const text = this.#text.slice(0, length);
    this.#text = this.#text.slice(length);
    return text;
  }

  /** The next line, without its end. */
  async line(): Promise<string> {
    let text = '';
    while (!text.endsWith('\r\n') && !(this.#ended && this.#text === '')) text += await this.read(1);
    return text.slice(0, -2);
  }

  async rest(): Promise<string> {
    while (!this.#ended) await new Promise<void>((resolve) => this.#watchers.push(resolve));
    return this.#text;
  }

  /** Sends, and expects exactly this answer. */
  async says(sent: string, answer: string): Promise<void> {
    this.socket.write(sent, 'latin1');
    expect(await this.read(answer.length)).toBe(answer);
  }

  #tell(): void {
    for (const watcher of this.#watchers.splice(0)) watcher();
  }
}

/** A command as an array of bulk strings. */
export const command = (...words: readonly string[]): string =>
  `*${words.length}\r\n${words.map((word) => `$${word.length}\r\n${word}\r\n`).join('')}`;
