/** What a transport counts. Numbers since it was opened; nothing is dropped without being counted. */

/** A datagram that was dropped whole, by what was wrong with it; in the order in which the checks are made. */
export type DatagramDrop =
  | 'droppedSource'
  | 'droppedTooShort'
  | 'droppedMagic'
  | 'droppedVersion'
  | 'droppedCluster'
  | 'droppedKind'
  | 'droppedChecksum'
  | 'droppedMalformed'
  | 'droppedTooMany';

/** A chunk that was dropped although its datagram was in order. */
export type ChunkDrop =
  | 'droppedChunkDuplicate'
  | 'droppedChunkConflict'
  | 'droppedChunkTooLarge'
  | 'droppedChunkDigest';

type Other =
  /** Every datagram that the socket handed over: `bundlesReceived`, `chunksReceived` and all drops of datagrams and chunks add up to it. */
  | 'datagramsReceived'
  | 'bytesReceived'
  /** Datagrams that passed every check, by kind. */
  | 'bundlesReceived'
  | 'chunksReceived'
  /** Messages in bundles, and messages put together from chunks: `messagesReceived`, `droppedInvalidMessage` and `droppedInboxFull` add up to it. */
  | 'messagesArrived'
  /** Messages that entered the inbox. */
  | 'messagesReceived'
  | 'droppedInvalidMessage'
  | 'droppedInboxFull'
  /** Messages given up although some of their chunks had come: too old, or too much held. */
  | 'evictedPartialMessages'
  | 'messagesSent'
  | 'messagesChunked'
  | 'datagramsSent'
  | 'bytesSent'
  /** Datagrams that the operating system refused to send. */
  | 'sendFailures'
  /** Messages above `messageBytesMax`, which were not sent. */
  | 'sendsTooLarge'
  /** Errors of the socket that belong to no single send. */
  | 'socketErrors';

/** The counters of one transport, by name. */
export type NetworkCounters = Record<DatagramDrop | ChunkDrop | Other, number>;

/** All counters at zero; the caller owns them. */
export const newCounters = (): NetworkCounters => ({
  datagramsReceived: 0,
  bytesReceived: 0,
  bundlesReceived: 0,
  chunksReceived: 0,
  messagesArrived: 0,
  messagesReceived: 0,
  droppedSource: 0,
  droppedTooShort: 0,
  droppedMagic: 0,
  droppedVersion: 0,
  droppedCluster: 0,
  droppedKind: 0,
  droppedChecksum: 0,
  droppedMalformed: 0,
  droppedTooMany: 0,
  droppedChunkDuplicate: 0,
  droppedChunkConflict: 0,
  droppedChunkTooLarge: 0,
  droppedChunkDigest: 0,
  droppedInvalidMessage: 0,
  droppedInboxFull: 0,
  evictedPartialMessages: 0,
  messagesSent: 0,
  messagesChunked: 0,
  datagramsSent: 0,
  bytesSent: 0,
  sendFailures: 0,
  sendsTooLarge: 0,
  socketErrors: 0,
});
