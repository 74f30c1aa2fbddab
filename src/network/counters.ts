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
  /** Of a message that has arrived whole. */
  | 'droppedChunkFinished'
  | 'droppedChunkDuplicate'
  | 'droppedChunkConflict'
  /** Of a message beyond the limits. */
  | 'droppedChunkTooLarge'
  /** Too far behind the first one that is missing. */
  | 'droppedChunkAhead'
  /** Others hold the memory that it would need. */
  | 'droppedChunkNoRoom'
  | 'droppedChunkDigest';

/** An ack that was dropped although its datagram was in order. */
export type AckDrop =
  /** Of no message that is under way to whoever sent the ack. */
  | 'droppedAckUnknown'
  /** Of an attempt at the message that its receiver has given up. */
  | 'droppedAckStale'
  /** It says that chunks arrived which were never sent. */
  | 'droppedAckFalse';

type Other =
  /** Every datagram that the socket handed over: `bundlesReceived`, `chunksReceived`, `acksReceived` and all drops of datagrams, chunks and acks add up to it. */
  | 'datagramsReceived'
  | 'bytesReceived'
  /** Datagrams that passed every check, by kind. */
  | 'bundlesReceived'
  | 'chunksReceived'
  | 'acksReceived'
  /** Messages in bundles, and messages put together from chunks: `messagesReceived`, `droppedInvalidMessage` and `droppedInboxFull` add up to it. */
  | 'messagesArrived'
  /** Messages that entered the inbox. */
  | 'messagesReceived'
  | 'droppedInvalidMessage'
  | 'droppedInboxFull'
  /** Messages given up although some of their chunks had come: no new one for too long, or too much held. */
  | 'evictedPartialMessages'
  | 'messagesSent'
  /** Messages sent in chunks: those under way, `chunkedArrived` and the four ways in which one ends without add up to it. */
  | 'messagesChunked'
  /** Chunked messages of which the receiver said that they arrived. */
  | 'chunkedArrived'
  /** Chunked messages that were given up: no progress for too long, or a receiver that started over too often. */
  | 'chunkedGivenUp'
  /** Chunked messages that were given up because too much was held. */
  | 'chunkedPushedOut'
  /** Chunked messages beyond the limits of their receiver. */
  | 'chunkedRefused'
  /** Chunked messages that were dropped when the transport was closed or silenced. */
  | 'chunkedAbandoned'
  /** Messages of which an equal one was under way to the same node: one of the two is sent. */
  | 'chunkedAlready'
  /** Messages that were dropped because too much was under way to the same node. */
  | 'chunkedNotTaken'
  /** Chunks sent, and how many of these were sent before. */
  | 'chunksSent'
  | 'chunksSentAgain'
  | 'acksSent'
  | 'datagramsSent'
  | 'bytesSent'
  /** Datagrams that the operating system refused to send. */
  | 'sendFailures'
  /** Messages above `messageBytesMax`, which were not sent. */
  | 'sendsTooLarge'
  /** Errors of the socket that belong to no single send. */
  | 'socketErrors';

/** The counters of one transport, by name. */
export type NetworkCounters = Record<DatagramDrop | ChunkDrop | AckDrop | Other, number>;

/** All counters at zero; the caller owns them. */
export const newCounters = (): NetworkCounters => ({
  datagramsReceived: 0,
  bytesReceived: 0,
  bundlesReceived: 0,
  chunksReceived: 0,
  acksReceived: 0,
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
  droppedChunkFinished: 0,
  droppedChunkDuplicate: 0,
  droppedChunkConflict: 0,
  droppedChunkTooLarge: 0,
  droppedChunkAhead: 0,
  droppedChunkNoRoom: 0,
  droppedChunkDigest: 0,
  droppedAckUnknown: 0,
  droppedAckStale: 0,
  droppedAckFalse: 0,
  droppedInvalidMessage: 0,
  droppedInboxFull: 0,
  evictedPartialMessages: 0,
  messagesSent: 0,
  messagesChunked: 0,
  chunkedArrived: 0,
  chunkedGivenUp: 0,
  chunkedNotTaken: 0,
  chunkedPushedOut: 0,
  chunkedRefused: 0,
  chunkedAbandoned: 0,
  chunkedAlready: 0,
  chunksSent: 0,
  chunksSentAgain: 0,
  acksSent: 0,
  datagramsSent: 0,
  bytesSent: 0,
  sendFailures: 0,
  sendsTooLarge: 0,
  socketErrors: 0,
});
