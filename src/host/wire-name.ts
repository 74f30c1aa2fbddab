/** The name that datagrams of a cluster carry, as a checksum: neither another cluster nor another system answers to it. */
export const wireName = (cluster: string, system: string): string => `${system}/${cluster}`;
