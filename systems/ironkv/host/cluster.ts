/** What a host knows for good: who the hosts and the administrators are, and which host it is. */
import type { EndPoint } from '../../../src/spec/endpoint.js';
import type { Configuration, Parameters } from '../configuration.js';

/** The constants of a host, prepared for quick use. */
export interface Cluster {
  readonly me: EndPoint;
  readonly myIndex: number;
  readonly hosts: readonly EndPoint[];
  readonly indexOf: ReadonlyMap<EndPoint, number>;
  readonly administrators: ReadonlySet<EndPoint>;
  readonly parameters: Parameters;
}

/** The constants of the host at `me`; throws where the configuration does not name it, or names one end point twice. */
export const clusterOf = ({ hosts, administrators, parameters }: Configuration, me: EndPoint): Cluster => {
  const indexOf = new Map(hosts.map((host, index) => [host, index]));
  if (indexOf.size !== hosts.length) throw new Error('the configuration names one host twice');
  const myIndex = indexOf.get(me);
  if (myIndex === undefined) throw new Error(`${me} is no host of the configuration`);
  return { me, myIndex, hosts, indexOf, administrators: new Set(administrators), parameters };
};
