/** A gateway of the Redis protocol before a host of a cluster in this process. */
import type { ClusterConfig } from '../../src/cli/config.js';
import { type ConnectionLimits, connectionLimits } from '../../src/cli/gateway/connection.js';
import { type RespGateway, RespPort } from '../../src/cli/gateway/server.js';
import type { RespStore } from '../../src/cli/gateway/store.js';
import { kvRespStore } from '../../src/cli/gateways.js';
import { E } from '../../src/spec/prelude.js';
import type { LoopbackCluster } from '../ironkv/loopback-cluster.js';

/** What stands behind the gateway of the host with this index. */
export const openStore = async (
  { configuration, options, started }: LoopbackCluster,
  index: number,
  timeoutMs = 60_000,
): Promise<RespStore> => {
  const { host, node } = started[index] as (typeof started)[number];
  const config: ClusterConfig = {
    cluster: options.cluster,
    system: 'ironkv',
    application: undefined,
    nodes: configuration.hosts.map((address, i) => ({ id: `h${i}`, address })),
    parameters: {},
    network: { datagramBytesMax: 8192, inboxMessagesMax: 4096 },
  };
  const store = await kvRespStore({
    ...{ config, constants: configuration, host, me: node.me, timeoutMs },
    openDoor: (client, listener) => node.openDoor(client, listener),
  });
  if (E.isLeft(store)) throw new Error(store.left);
  return store.right;
};

/** A gateway before a store, on a free port. */
export const listen = async (store: RespStore, limits: ConnectionLimits = connectionLimits): Promise<RespGateway> => {
  const port = await RespPort.take({ host: '127.0.0.1', port: 0 });
  if (E.isLeft(port)) throw new Error(port.left);
  return port.right.serve(store, limits);
};

/** A gateway before the host with this index. */
export const openGateway = async (
  cluster: LoopbackCluster,
  index: number,
  limits: ConnectionLimits = connectionLimits,
  timeoutMs = 60_000,
): Promise<RespGateway> => listen(await openStore(cluster, index, timeoutMs), limits);
