/** Ctrl-C: ends a command with exit code 130, unless it has its own way to stop. */
import { exitCodes } from './outcome.js';

let handler = (): void => {
  process.exit(exitCodes.interrupted);
};

/** Replaces what Ctrl-C does. */
export const onInterrupt = (own: () => void): void => {
  handler = own;
};

/** Called once, before the command runs. */
export const listenForInterrupts = (): void => {
  // The executable file has one for the time of loading. It goes only once this one is there: a signal that came while there
  // is none, or that waits for the event loop when the last one goes, would be lost.
  const early = process.listeners('SIGINT');
  process.on('SIGINT', () => handler());
  for (const listener of early) process.off('SIGINT', listener);
};
