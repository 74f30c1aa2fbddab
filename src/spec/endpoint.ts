/** End points: the identities of hosts and clients (IronFleet, SOSP 2015, section 3.4: an IPv4 address and a port). */
import { E } from './prelude.js';

/** An IPv4 address and a UDP port in canonical form, `a.b.c.d:port`; equal end points are equal strings. */
export type EndPoint = string & { readonly EndPoint: unique symbol };

const pattern = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3}):(\d{1,5})$/;

/** Reads an end point; `Left` says in one sentence what is wrong. Leading zeros are refused: they would make two names for one host. */
export const parseEndPoint = (text: string): E.Either<string, EndPoint> => {
  const m = pattern.exec(text);
  if (m === null) return E.left(`"${text}" is not an IPv4 address and port such as 127.0.0.1:7001`);
  const numbers = m.slice(1).map(Number);
  const port = numbers[4] as number;
  if (numbers.slice(0, 4).some((n) => n > 255)) return E.left(`"${text}" has a part of the address above 255`);
  if (port < 1 || port > 65_535) return E.left(`"${text}" has a port outside 1 to 65535`);
  const canonical = `${numbers.slice(0, 4).join('.')}:${port}`;
  return canonical === text ? E.right(canonical as EndPoint) : E.left(`"${text}" must be written ${canonical}`);
};

/** As `parseEndPoint`, for text that the program itself made; throws. */
export const endPoint = (text: string): EndPoint => {
  const parsed = parseEndPoint(text);
  if (E.isLeft(parsed)) throw new Error(parsed.left);
  return parsed.right;
};

/** The address part of an end point. */
export const addressOf = (e: EndPoint): string => e.slice(0, e.indexOf(':'));

/** The port of an end point, 1 to 65535. */
export const portOf = (e: EndPoint): number => Number(e.slice(e.indexOf(':') + 1));
