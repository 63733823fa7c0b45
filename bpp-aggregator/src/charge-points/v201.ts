/** Messages of an OCPP 2.0.1 charging station. What 1.6 calls a connector is an EVSE here. */
import { accepted, alive, booted, type Handlers, noted, type Payload, take } from './messages.ts';

const idTokenInfo = accepted;
const IDLE = new Set(['Available', 'Reserved', 'Unavailable', 'Faulted']);

export const V201: Handlers = {
  BootNotification: booted,
  Heartbeat: alive,
  Authorize: () => ({ idTokenInfo }),
  DataTransfer: () => ({ status: 'UnknownVendorId' }),
  ClearedChargingLimit: noted,
  FirmwareStatusNotification: noted,
  LogStatusNotification: noted,
  NotifyChargingLimit: noted,
  NotifyEvent: noted,
  NotifyMonitoringReport: noted,
  NotifyReport: noted,
  ReportChargingProfiles: noted,
  SecurityEventNotification: noted,
  StatusNotification({ evseId, connectorStatus, timestamp }, speaker) {
    if (evseId > 0 && IDLE.has(connectorStatus))
      speaker.heard(speaker.station.idle(evseId, Date.parse(timestamp), speaker.dispatched()));
    return {};
  },
  MeterValues({ evseId, meterValue }, speaker) {
    take(speaker, evseId, meterValue);
    return {};
  },
  TransactionEvent(event, speaker) {
    const { station } = speaker;
    const { transactionId } = event.transactionInfo;
    // Only the first event of a transaction at an EVSE has to name it.
    const evseId: number = event.evse?.id ?? station.connectorOf(transactionId) ?? 1;
    if (event.eventType === 'Ended') station.end(evseId);
    else station.begin(evseId, transactionId);
    take(speaker, evseId, metered(event));
    if (event.eventType === 'Ended') speaker.heard(station.idle(evseId, endMs(event), speaker.dispatched()));
    return event.idToken === undefined ? {} : { idTokenInfo };
  },
};

const metered = (event: Payload) => event.meterValue ?? [];

/** After the last reading of the transaction, which may be stamped as its end is. */
function endMs(event: Payload): number {
  const stamps = [event.timestamp, ...metered(event).map((one: { timestamp: string }) => one.timestamp)];
  return Math.max(...stamps.map((stamp) => Date.parse(stamp))) + 1;
}
