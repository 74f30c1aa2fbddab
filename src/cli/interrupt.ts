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
  // The executable file had one for the time of loading.
  process.removeAllListeners('SIGINT');
  process.on('SIGINT', () => handler());
};
