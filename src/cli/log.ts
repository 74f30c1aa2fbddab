/** Structured logs of a node: one JSON object a line on stderr, none per packet. */

/** How much a line matters: `error` means that the node stops. */
export type LogLevel = 'info' | 'warn' | 'error';

/** Writes one line: `event` names what happened, `fields` are its values. */
export type Log = (level: LogLevel, event: string, fields?: Readonly<Record<string, unknown>>) => void;

/** The log of the node `node`; `write` takes whole lines. */
export const nodeLog =
  (node: string, write: (line: string) => void): Log =>
  (level, event, fields = {}) =>
    write(`${JSON.stringify({ time: new Date().toISOString(), level, node, event, ...fields })}\n`);
