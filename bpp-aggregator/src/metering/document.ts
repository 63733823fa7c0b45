import type { MeterDocument, MeterRow, TimeWindow } from '@flexder/protocol/flexibility/model.ts';
import {
  HALF_HOUR_MS,
  periodsBetween,
  periodsOf,
  type SettlementPeriod,
  settlementPeriodOf,
} from '@flexder/protocol/flexibility/settlement-period.ts';
import { LIMITS } from '../limits.ts';
import { sameTypeDatesBefore, shiftDate } from './days.ts';
import type { Quality } from './energy.ts';

export interface Meter {
  readonly derNo: number;
  readonly importMsid: string;
  readonly exportMsid: string | null;
  /** Settlement dates on which this device was activated: they say nothing of its usual use. */
  readonly eventDates: ReadonlySet<string>;
}

export type EnergyOf = (
  derNo: number,
  startMs: number,
) => { readonly kwh: number; readonly quality: Quality } | undefined;

const NORMAL_DAY = 48;

/** The settlement periods an order is settled in, and the six before the first of them. */
export function eventPeriods(window: TimeWindow): { event: SettlementPeriod[]; before: SettlementPeriod[] } {
  const event = periodsBetween(window.startMs, window.endMs);
  const firstMs = event[0]?.startMs ?? window.startMs;
  const before = Array.from({ length: LIMITS.periodsBefore }, (_, index) =>
    settlementPeriodOf(firstMs - (LIMITS.periodsBefore - index) * HALF_HOUR_MS),
  );
  return { event, before };
}

/**
 * Dates of history to look through: the same type of day, the newest first; days on which the clocks change have
 * other periods and are left out. Twice as many as are kept, since each meter has event days of its own.
 */
export function historyDates(window: TimeWindow): string[] {
  const { date } = settlementPeriodOf(window.startMs);
  return sameTypeDatesBefore(date, LIMITS.historyLookBackDays, (each) => periodsOf(each).length === NORMAL_DAY).slice(
    0,
    LIMITS.historyDays * 2,
  );
}

/** The event's periods moved to the history day `date`; a window over midnight keeps its second day the day after. */
export function periodsOnDay(
  periods: readonly SettlementPeriod[],
  eventDate: string,
  date: string,
): SettlementPeriod[] {
  return periods.flatMap((period) => {
    const shift = Math.round((Date.parse(period.date) - Date.parse(eventDate)) / 86_400_000);
    const moved = periodsOf(shiftDate(date, shift))[period.period - 1];
    return moved ? [moved] : [];
  });
}

/** The meter rows an order is settled from; every meter has every event period, MISSING where nothing is known. */
export function meterDocument(
  orderId: string,
  obpId: string,
  window: TimeWindow,
  meters: readonly Meter[],
  energyOf: EnergyOf,
): MeterDocument {
  const { event, before } = eventPeriods(window);
  const eventDate = settlementPeriodOf(window.startMs).date;
  const days = historyDates(window).map((date) => ({
    date,
    periods: periodsOnDay([...before, ...event], eventDate, date),
  }));
  const rows: MeterRow[] = [];
  const history: MeterRow[] = [];
  for (const meter of [...meters].sort((a, b) => (a.importMsid < b.importMsid ? -1 : 1))) {
    for (const period of event) rows.push(meterRow(meter, period, energyOf(meter.derNo, period.startMs)));
    // The hours before the event on its own day are what a baseline is adjusted by.
    const known = (periods: readonly SettlementPeriod[]) =>
      periods.flatMap((period) => {
        const energy = energyOf(meter.derNo, period.startMs);
        return energy ? [meterRow(meter, period, energy)] : [];
      });
    history.push(...known(before));
    const usual = days.filter(({ date }) => !meter.eventDates.has(date));
    const complete = usual
      .map(({ periods }) => known(periods))
      .filter((found) => found.length === before.length + event.length);
    history.push(...complete.slice(0, LIMITS.historyDays).flat());
  }
  return { version: 1, order_id: orderId, obp_id: obpId, rows, history };
}

function meterRow(
  meter: Meter,
  period: SettlementPeriod,
  energy: { kwh: number; quality: Quality } | undefined,
): MeterRow {
  return {
    import_msid: meter.importMsid,
    export_msid: meter.exportMsid,
    settlement_date: period.date,
    settlement_period: period.period,
    // 1 Wh is 0.001 kWh: three decimals more than any meter resolves.
    metered_kwh: Math.round((energy?.kwh ?? 0) * 1e6) / 1e6,
    quality: energy?.quality ?? 'MISSING',
  };
}
