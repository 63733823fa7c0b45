/** Bounds of HTTP, each with its reason. Wall-clock milliseconds unless the name says otherwise. */
export const httpLimits = {
  /** Connections to one origin: enough for a fan-out, few enough that a counterparty is not flooded. */
  connectionsPerOrigin: 64,
  connectMs: 3_000,
  /** An idle connection is kept a little shorter than common servers keep theirs (Node: 5 s). */
  keepAliveMs: 4_000,
  /** Bytes of a counterparty's response headers. */
  responseHeaderBytes: 16_384,
  /** A caller's time bound above this is a mistake: nothing in this network waits longer for an answer. */
  longestTimeoutMs: 60_000,
  /** Slowloris: Node's own 60 s and 300 s hold a socket far longer than any honest peer needs. */
  headersMs: 10_000,
  requestMs: 15_000,
  /** Open sockets of one server; above it new ones are closed at once. */
  connections: 2_000,
  /** Bytes of all request headers; signatures and trace ids fit in a quarter. */
  requestHeaderBytes: 16_384,
  /** Requests running when a server closes may end within this. */
  drainMs: 5_000,
} as const;
