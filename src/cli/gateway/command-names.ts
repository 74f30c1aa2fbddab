/** Finds the name of a command in what a client sent, in any case, without making text of it. */

/** Setting this bit makes a small letter of a capital, and a letter of nothing else. */
const smallBit = 0x20;

const isNamed = (bytes: Uint8Array, name: string): boolean => {
  for (let i = 0; i < bytes.length; i++) if (((bytes[i] as number) | smallBit) !== name.charCodeAt(i)) return false;
  return true;
};

/** A set of names. */
export class CommandNames {
  readonly #byLength: string[][] = [];

  /** Throws on a name that is not all small letters. */
  constructor(names: Iterable<string>) {
    for (const name of names) {
      if (!/^[a-z]+$/.test(name)) throw new Error(`"${name}" cannot name a command`);
      this.#byLength[name.length] ??= [];
      this.#byLength[name.length]?.push(name);
    }
  }

  /** The name that `bytes` write; `undefined` where it is none of the set. */
  find(bytes: Uint8Array): string | undefined {
    const names = this.#byLength[bytes.length];
    if (names === undefined) return undefined;
    for (const name of names) if (isNamed(bytes, name)) return name;
    return undefined;
  }
}
