/** A violation as a sentence for a person. */
import type { Violation } from '../spec/check.js';

const shown = (value: unknown): string =>
  typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value));

/** The rule, the code, the component and both values where the evidence names them, and whatever else it holds; a picture stands below. */
export const violationWords = ({ code, rule, evidence }: Violation): string => {
  const { component, where, host, protocol, stack: _stack, picture, ...rest } = evidence;
  const parts: string[] = [];
  if (component !== undefined) {
    const place = where === undefined || where === '' ? '' : ` at ${shown(where)}`;
    parts.push(`in ${shown(component)}${place} the host has ${shown(host)} and the protocol ${shown(protocol)}`);
  }
  for (const [name, value] of Object.entries(rest)) parts.push(`${name}: ${shown(value)}`);
  const details = parts.length === 0 ? '' : `: ${parts.join('; ')}`;
  const lines = Array.isArray(picture) ? picture.map((line) => `\n${String(line)}`).join('') : '';
  return `the rule "${rule}" is broken (${code})${details}${lines}`;
};
