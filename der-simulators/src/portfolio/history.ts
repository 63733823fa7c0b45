import { MAX_HISTORY_DAYS, WARM_UP_MS } from '../limits.ts';
import type { DerManifest } from '../model.ts';
import { startPhysics } from '../physics/physics.ts';
import { seededWeather } from '../physics/weather.ts';
import { HALF_HOUR_MS, type HalfHour, halfHoursBetween, londonMidnight } from './half-hour.ts';

/** A half-hour meter value as a meter document has it; import positive, export negative, kWh. */
export interface MeterHistoryRow {
  readonly import_msid: string;
  readonly export_msid: string | null;
  readonly settlement_date: string;
  readonly settlement_period: number;
  readonly metered_kwh: number;
  readonly quality: 'GOOD';
}

/** Net energy per device and half hour; `kwh[i]` belongs to `halfHours[i]`. */
export interface FleetHistory {
  readonly halfHours: readonly HalfHour[];
  readonly perDer: readonly { readonly der: DerManifest; readonly kwh: Float64Array }[];
}

/**
 * SIMULATED history: the very devices of a fleet, undispatched, over the `days` London days before `untilMs` and the
 * whole half hours of its own day. Coarse steps, the same physics.
 */
export function simulateHistory(options: {
  readonly seed: string | number;
  readonly ders: readonly DerManifest[];
  readonly untilMs: number;
  readonly days: number;
}): FleetHistory {
  if (!(options.days >= 0 && options.days <= MAX_HISTORY_DAYS)) {
    throw new RangeError(`days of history must lie between 0 and ${MAX_HISTORY_DAYS}, not ${options.days}`);
  }
  const endMs = Math.floor(options.untilMs / HALF_HOUR_MS) * HALF_HOUR_MS;
  const halfHours = halfHoursBetween(londonMidnight(endMs, options.days), endMs);
  const firstMs = halfHours[0]?.startMs ?? endMs;
  const weather = seededWeather(options.seed);
  const perDer = options.ders.map((der) => {
    const physics = startPhysics(der, {
      seed: options.seed,
      atMs: firstMs - WARM_UP_MS,
      weather,
      coarseUntilMs: endMs,
    });
    physics.advance(firstMs, null);
    let registerKwh = physics.importKwh - physics.exportKwh;
    const kwh = Float64Array.from(halfHours, ({ startMs }) => {
      physics.advance(startMs + HALF_HOUR_MS, null);
      const before = registerKwh;
      registerKwh = physics.importKwh - physics.exportKwh;
      return registerKwh - before;
    });
    return { der, kwh };
  });
  return { halfHours, perDer };
}

/** Meter rows of the last `days` London days of a history, sorted by device and time; whole Wh. */
export function meterRows(history: FleetHistory, fromMs = Number.NEGATIVE_INFINITY): MeterHistoryRow[] {
  const rows: MeterHistoryRow[] = [];
  for (const { der, kwh } of history.perDer) {
    history.halfHours.forEach(({ startMs, settlementDate, settlementPeriod }, i) => {
      if (startMs < fromMs) return;
      rows.push({
        import_msid: der.importMsid,
        export_msid: der.exportMsid,
        settlement_date: settlementDate,
        settlement_period: settlementPeriod,
        // The sum turns -0 into 0.
        metered_kwh: Math.round((kwh[i] ?? 0) * 1000) / 1000 + 0,
        quality: 'GOOD',
      });
    });
  }
  return rows;
}

/** Mean kW of the devices of each feeder per half hour, for a feeder's own history. */
export function devicesKwByFeeder(history: FleetHistory): Map<string, Float64Array> {
  const sums = new Map<string, Float64Array>();
  for (const { der, kwh } of history.perDer) {
    const sum = sums.get(der.feederId) ?? new Float64Array(history.halfHours.length);
    for (let i = 0; i < sum.length; i++) sum[i] = (sum[i] ?? 0) + (kwh[i] ?? 0) * 2;
    sums.set(der.feederId, sum);
  }
  return sums;
}
