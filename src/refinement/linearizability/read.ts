/** Reads a history in whatever form it is. */
import { E } from '../../spec/prelude.js';
import type { RecordedHistory } from './history.js';
import { isJepsenLog, readEdnHistory, readJepsenLog } from './jepsen.js';
import { readJsonHistory } from './json.js';
import { Unreadable } from './unreadable.js';

/** Why a history cannot be read: one sentence, and the line that it is about, from 1. */
export interface UnreadableHistory {
  readonly line: number | undefined;
  readonly why: string;
}

const read = (bytes: Uint8Array): RecordedHistory => {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new Unreadable(undefined, 'the file is no text');
  }
  const start = /\S/.exec(text)?.[0];
  if (start === undefined) throw new Unreadable(undefined, 'the file is empty');
  if (/^\s*(?:\{\s*["}]|\[\s*(?:\{\s*"|[^\s{#;\]]))/.test(text)) return readJsonHistory(text);
  if (/^[[{(#;]$/.test(start)) return readEdnHistory(text);
  if (isJepsenLog(text)) return readJepsenLog(text);
  throw new Unreadable(1, "the file is neither a history of Jepsen's, nor of Porcupine's, nor of Ironkeel's");
};

/**
 * Reads a history: Jepsen's maps or log lines, Porcupine's key-value files, or Ironkeel's JSON. One without operations is
 * refused: it would show nothing.
 */
export const readHistory = (bytes: Uint8Array): E.Either<UnreadableHistory, RecordedHistory> => {
  try {
    const history = read(bytes);
    if (history.operations.length + history.failed > 0) return E.right(history);
    return E.left({ line: undefined, why: 'the history holds no operations' });
  } catch (error) {
    if (error instanceof Unreadable) return E.left({ line: error.line, why: error.message });
    throw error;
  }
};
