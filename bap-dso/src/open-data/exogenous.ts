/** Series from outside the DSO's own telemetry that a forecast may read. Optional, every one of them. */
import { HALF_HOUR_MS } from '@flexder/protocol/flexibility/settlement-period.ts';
import { nationalCarbon } from './datasets/carbon.ts';
import type { AnyDataset } from './datasets/dataset.ts';
import { demandUpdate, embeddedForecast, startOf } from './datasets/neso.ts';
import type { HeldData, Quality } from './held.ts';

export type ExogenousId = 'national-demand' | 'embedded-wind' | 'embedded-solar' | 'carbon-intensity';

/** A series on the half-hour raster as it is known now; a half hour without a figure is missing, never zero. */
export interface ExogenousSeries {
  readonly id: ExogenousId;
  readonly unit: 'MW' | 'gCO2/kWh';
  /** The figure of the half hour that begins at `slotMs`, UTC; outturn where there is one, else the source's forecast. */
  at(slotMs: number): number | undefined;
  /** Of the worst data set behind it. */
  readonly quality: Quality;
  /** Wall time when the oldest of its figures were retrieved; undefined when there are none. */
  readonly knownAtMs: number | undefined;
}

export interface ExogenousInputs {
  /** A view of what is held at this moment; undefined when nothing of it was ever read. */
  series(id: ExogenousId): ExogenousSeries | undefined;
}

type Figures = Map<number, number>;

export function exogenousInputs(held: HeldData): ExogenousInputs {
  return {
    series(id) {
      const { datasets, unit } = SERIES[id];
      const figures = SERIES[id].figures(held);
      const snapshots = datasets.flatMap((dataset) => held.snapshot(dataset) ?? []);
      if (figures.size === 0 || snapshots.length === 0) return undefined;
      const worst = datasets.some((dataset) => held.quality(dataset) !== 'fresh') ? 'stale' : 'fresh';
      return {
        id,
        unit,
        quality: worst,
        knownAtMs: Math.min(...snapshots.map((snapshot) => snapshot.retrievedAtMs)),
        at: (slotMs) => figures.get(Math.floor(slotMs / HALF_HOUR_MS) * HALF_HOUR_MS),
      };
    },
  };
}

interface Definition {
  readonly unit: ExogenousSeries['unit'];
  readonly datasets: readonly AnyDataset[];
  figures(held: HeldData): Figures;
}

const SERIES: Readonly<Record<ExogenousId, Definition>> = {
  'national-demand': {
    unit: 'MW',
    datasets: [demandUpdate],
    figures: (held) => outturn(held, (row) => row.ND),
  },
  'embedded-wind': {
    unit: 'MW',
    datasets: [demandUpdate, embeddedForecast],
    figures: (held) =>
      joined(
        forecast(held, (row) => row.EMBEDDED_WIND_FORECAST),
        outturn(held, (row) => row.EMBEDDED_WIND_GENERATION),
      ),
  },
  'embedded-solar': {
    unit: 'MW',
    datasets: [demandUpdate, embeddedForecast],
    figures: (held) =>
      joined(
        forecast(held, (row) => row.EMBEDDED_SOLAR_FORECAST),
        outturn(held, (row) => row.EMBEDDED_SOLAR_GENERATION),
      ),
  },
  'carbon-intensity': {
    unit: 'gCO2/kWh',
    datasets: [nationalCarbon],
    figures: (held) =>
      collected(held.rows(nationalCarbon), (row) => [Date.parse(row.from), row.actual ?? row.forecast]),
  },
};

type DemandOf = Parameters<typeof demandUpdate.observedAtMs>[0][number];
type EmbeddedOf = Parameters<typeof embeddedForecast.observedAtMs>[0][number];

function outturn(held: HeldData, figure: (row: DemandOf) => number | null): Figures {
  const actual = held.rows(demandUpdate).filter((row) => row.FORECAST_ACTUAL_INDICATOR === 'A');
  return collected(actual, (row) => [startOf(row), figure(row)]);
}

function forecast(held: HeldData, figure: (row: EmbeddedOf) => number | null): Figures {
  return collected(held.rows(embeddedForecast), (row) => [startOf(row), figure(row)]);
}

function collected<Row>(
  rows: readonly Row[],
  read: (row: Row) => readonly [number | undefined, number | null],
): Figures {
  const figures: Figures = new Map();
  for (const row of rows) {
    const [slotMs, value] = read(row);
    if (slotMs !== undefined && value !== null) figures.set(slotMs, value);
  }
  return figures;
}

/** The later map wins. */
function joined(...maps: readonly Figures[]): Figures {
  return new Map(maps.flatMap((map) => [...map]));
}
