/** What a fleet has done since its start. */
export interface FleetCounts {
  devices: number;
  connected: number;
  /** Devices whose connection was refused at the start. */
  refusedConnections: number;
  commandsReceived: number;
  /** Commands that took effect, each counted once however often it came. */
  executed: number;
  repeated: number;
  staleSequence: number;
  /** Commands that silent devices swallowed. */
  swallowed: number;
  /** Payloads that are no command by the schema, too long, or more than a slow device can hold. */
  dropped: number;
  answersSent: number;
  telemetrySent: number;
  /** Publishes that failed or were skipped because the connection was away. */
  undelivered: number;
}

export function newCounts(): FleetCounts {
  return {
    devices: 0,
    connected: 0,
    refusedConnections: 0,
    commandsReceived: 0,
    executed: 0,
    repeated: 0,
    staleSequence: 0,
    swallowed: 0,
    dropped: 0,
    answersSent: 0,
    telemetrySent: 0,
    undelivered: 0,
  };
}
