/** The known name that a mistyped one was probably meant to be. */

const distance = (a: string, b: string): number => {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(change, (row[j] as number) + 1, (next[j - 1] as number) + 1));
    }
    row = next;
  }
  return row[b.length] as number;
};

/** The entry of `known` within a third of its length in edits (at least two) of `word`, whatever the case of letters; `undefined` if none is near. */
export const nearest = (word: string, known: readonly string[]): string | undefined => {
  let best: { readonly name: string; readonly edits: number } | undefined;
  for (const name of known) {
    const edits = distance(word.toLowerCase(), name.toLowerCase());
    if (edits <= Math.max(2, Math.floor(name.length / 3)) && (best === undefined || edits < best.edits)) {
      best = { name, edits };
    }
  }
  return best?.name;
};
