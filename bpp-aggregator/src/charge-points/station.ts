/** The electrical state of one charge point as its messages tell it: pure but for what it remembers. */
import type { DeviceTelemetry } from '@flexder/schemas/types.ts';
import { OCPP_LIMITS } from './limits.ts';
import type { Transaction } from './profile.ts';
import type { Sample } from './samples.ts';

/** What is known of a device's meter, from the tables or from its last message. */
export interface MeterState {
  readonly atMs: number;
  readonly powerKw: number;
  readonly importKwh: number;
  readonly exportKwh: number;
}

interface Connector {
  powerKw: number;
  measuresPower: boolean;
  soc?: number;
  /** The registers as last read, which need not begin where ours do. */
  importKwh?: number;
  exportKwh?: number;
  atMs?: number;
  transactionId?: number | string;
}

type Unusable = 'old' | 'connectors' | 'incomplete';

/** A register may run this far ahead of the rating: readings are rounded, and their instants too. */
const SLACK_KWH = 0.1;

/**
 * Adds up the connectors of one charge point. Its registers count on where the tables end: what a charge point calls a
 * register may begin at nought with each session or a new meter, and an energy that its rating does not allow is none.
 */
export class Station {
  readonly #derId: string;
  readonly #ratedKw: number;
  readonly #connectors = new Map<number, Connector>();
  #meter: MeterState | undefined;
  #seq = 0;
  /** Registers that jumped, or went back. */
  odd = 0;

  constructor(derId: string, ratedKw: number, meter: MeterState | undefined) {
    this.#derId = derId;
    this.#ratedKw = ratedKw;
    this.#meter = meter;
  }

  /** The transaction that runs, when it is the only one. */
  get transaction(): Transaction | undefined {
    const running = [...this.#connectors].filter(([, connector]) => connector.transactionId !== undefined);
    const [only] = running;
    if (!only || running.length > 1) return undefined;
    return { connectorId: only[0], transactionId: only[1].transactionId as number | string };
  }

  /** Whose transaction it is, for messages that name nothing else. */
  connectorOf(transactionId: number | string): number | undefined {
    return [...this.#connectors].find(([, connector]) => connector.transactionId === transactionId)?.[0];
  }

  begin(connectorId: number, transactionId: number | string): void {
    const connector = this.#connector(connectorId);
    if (connector) connector.transactionId = transactionId;
  }

  end(connectorId: number): void {
    const connector = this.#connectors.get(connectorId);
    if (connector) delete connector.transactionId;
  }

  /** Nothing flows at a connector: no car, or none that charges. The reading says so, unless it is older than the last. */
  idle(connectorId: number, atMs: number, dispatched: boolean): DeviceTelemetry | Unusable {
    const connector = this.#connector(connectorId);
    if (!connector) return 'connectors';
    connector.powerKw = 0;
    delete connector.soc;
    // Before its meter was read once there is nothing to count on from.
    if (!this.#meter) return 'incomplete';
    return this.#reading(atMs, 0, 0, dispatched, 'ESTIMATED');
  }

  /** The whole charge point's reading with this sample in it. */
  take(connectorId: number, sample: Sample, dispatched: boolean): DeviceTelemetry | Unusable {
    const connector = this.#connector(connectorId);
    if (!connector) return 'connectors';
    if (this.#meter && sample.atMs <= this.#meter.atMs) return 'old';
    const sinceMs = sample.atMs - (connector.atMs ?? this.#meter?.atMs ?? sample.atMs);
    const hours = Number.isFinite(sinceMs) ? sinceMs / 3_600_000 : 0;
    const known = this.#isFirstRegister() ? this.#meter : undefined;
    const imported = this.#step(sample.importKwh, connector.importKwh ?? known?.importKwh, hours);
    const exported = this.#step(sample.exportKwh, connector.exportKwh ?? known?.exportKwh, hours);
    if (sample.powerKw === undefined) {
      // Between two registers lies a mean power; before the second nothing is known.
      if (hours <= 0 || imported === undefined) {
        this.#remember(connector, sample);
        return 'incomplete';
      }
      connector.powerKw = (imported - (exported ?? 0)) / hours;
    } else {
      connector.powerKw = sample.powerKw;
      connector.measuresPower = true;
    }
    if (sample.soc !== undefined) connector.soc = sample.soc;
    this.#remember(connector, sample);
    // A charge point without a meter of energy: its power, over the time.
    const estimatedKwh = sample.importKwh === undefined ? Math.max(0, connector.powerKw * hours) : 0;
    const quality = sample.powerKw !== undefined && sample.importKwh !== undefined ? 'GOOD' : 'ESTIMATED';
    // What flows through a meter of the whole charge point is not counted at its connectors again.
    const counts = connectorId === 0 || this.#connectors.get(0)?.importKwh === undefined;
    return this.#reading(
      sample.atMs,
      counts ? (imported ?? estimatedKwh) : 0,
      counts ? (exported ?? 0) : 0,
      dispatched,
      quality,
    );
  }

  #isFirstRegister(): boolean {
    return ![...this.#connectors.values()].some((connector) => connector.importKwh !== undefined);
  }

  #remember(connector: Connector, sample: Sample): void {
    connector.atMs = sample.atMs;
    if (sample.importKwh !== undefined) connector.importKwh = sample.importKwh;
    if (sample.exportKwh !== undefined) connector.exportKwh = sample.exportKwh;
    // The first register of a new device is where ours begins.
    this.#meter ??= {
      atMs: Number.NEGATIVE_INFINITY,
      powerKw: 0,
      importKwh: sample.importKwh ?? 0,
      exportKwh: sample.exportKwh ?? 0,
    };
  }

  /** Energy since the register was last read; undefined where nothing can be said. */
  #step(nowKwh: number | undefined, beforeKwh: number | undefined, hours: number): number | undefined {
    if (nowKwh === undefined || beforeKwh === undefined) return undefined;
    const possibleKwh = this.#ratedKw * 2 * Math.max(0, hours) + SLACK_KWH;
    const since = nowKwh - beforeKwh;
    if (since >= 0 && since <= possibleKwh) return since;
    this.odd++;
    // Begun again: what it shows is what has flowed since.
    return since < 0 && nowKwh >= 0 && nowKwh <= possibleKwh ? nowKwh : 0;
  }

  #reading(
    atMs: number,
    importedKwh: number,
    exportedKwh: number,
    dispatched: boolean,
    quality: DeviceTelemetry['quality'],
  ): DeviceTelemetry | Unusable {
    const meter = this.#meter ?? { atMs: Number.NEGATIVE_INFINITY, importKwh: 0, exportKwh: 0 };
    if (atMs <= meter.atMs) return 'old';
    const powerKw = round([...this.#measuring()].reduce((sum, connector) => sum + connector.powerKw, 0));
    const importKwh = meter.importKwh + importedKwh;
    const exportKwh = meter.exportKwh + exportedKwh;
    this.#meter = { atMs, powerKw, importKwh, exportKwh };
    const soc = [...this.#connectors.values()].find((connector) => connector.soc !== undefined)?.soc;
    return {
      v: 1,
      der_id: this.#derId,
      ts: new Date(atMs).toISOString(),
      seq: this.#seq++,
      power_kw: powerKw,
      import_kwh: round(importKwh),
      export_kwh: round(exportKwh),
      // OCPP says nothing of when the car leaves: what charges can be paused.
      available_down_kw: Math.max(0, powerKw),
      mode: dispatched ? 'DISPATCHED' : Math.abs(powerKw) > 0.05 ? 'NORMAL' : 'IDLE',
      quality,
      ...(soc !== undefined && { soc }),
    };
  }

  /** Connector 0 is the meter of the whole charge point, where it has one. */
  #measuring(): Iterable<Connector> {
    const main = this.#connectors.get(0);
    return main?.measuresPower ? [main] : this.#connectors.values();
  }

  #connector(connectorId: number): Connector | undefined {
    const known = this.#connectors.get(connectorId);
    if (known) return known;
    if (connectorId < 0 || this.#connectors.size >= OCPP_LIMITS.connectors) return undefined;
    const connector: Connector = { powerKw: 0, measuresPower: false };
    this.#connectors.set(connectorId, connector);
    return connector;
  }
}

function round(value: number): number {
  return Number(value.toFixed(4)) + 0;
}
