/** Messages of an OCPP 1.6 charge point. */
import { accepted, alive, booted, type Handlers, noted, take } from './messages.ts';

const idTagInfo = accepted;
/** With these nothing flows at a connector; SuspendedEV may still pre-heat, and its meter tells. */
const IDLE = new Set(['Available', 'Preparing', 'Reserved', 'Unavailable', 'Faulted']);

export const V16: Handlers = {
  BootNotification: booted,
  Heartbeat: alive,
  // Who may charge is not an aggregator's business.
  Authorize: () => ({ idTagInfo }),
  DataTransfer: () => ({ status: 'UnknownVendorId' }),
  DiagnosticsStatusNotification: noted,
  FirmwareStatusNotification: noted,
  LogStatusNotification: noted,
  SecurityEventNotification: noted,
  SignedFirmwareStatusNotification: noted,
  StatusNotification({ connectorId, status, timestamp }, speaker) {
    if (connectorId > 0 && IDLE.has(status)) {
      const atMs = timestamp === undefined ? speaker.nowMs() : Date.parse(timestamp);
      speaker.heard(speaker.station.idle(connectorId, atMs, speaker.dispatched()));
    }
    return {};
  },
  StartTransaction({ connectorId, meterStart, timestamp }, speaker) {
    const transactionId = speaker.transactionId();
    speaker.station.begin(connectorId, transactionId);
    take(speaker, connectorId, [meter(timestamp, meterStart)]);
    return { transactionId, idTagInfo };
  },
  MeterValues({ connectorId, transactionId, meterValue }, speaker) {
    // After a restart here this is how a transaction under way is heard of.
    if (transactionId !== undefined) speaker.station.begin(connectorId, transactionId);
    take(speaker, connectorId, meterValue);
    return {};
  },
  StopTransaction({ transactionId, meterStop, timestamp, transactionData = [] }, speaker) {
    const connectorId = speaker.station.connectorOf(transactionId);
    if (connectorId !== undefined) {
      speaker.station.end(connectorId);
      const last = { measurand: 'Power.Active.Import', unit: 'W', value: '0' };
      const end = meter(timestamp, meterStop);
      take(speaker, connectorId, [...transactionData, { ...end, sampledValue: [...end.sampledValue, last] }]);
    }
    return { idTagInfo };
  },
};

/** The register as transactions have it: whole Wh. */
function meter(timestamp: string, wh: number) {
  return { timestamp, sampledValue: [{ value: String(wh), unit: 'Wh', measurand: 'Energy.Active.Import.Register' }] };
}
