/** Load of a feeder over time with its forecast, limit and release level. */

import { kw, time } from '@flexder/runtime/page/format.ts';
import { useEffect, useRef } from 'preact/hooks';
import type uPlot from 'uplot';
import type { FeederView } from '../../src/operator-api/deps.ts';
import type { LoadPoint } from '../../src/operator-api/stream/snapshot.ts';
import { peakOf } from '../state/derive.ts';
import { needLoad } from '../state/store.ts';
import { colourOf, plotLine, plotOptions, type Span, shade, usePlot } from './plot.ts';

const AHEAD_MS = 2 * 3_600_000;

export interface TrendProps {
  readonly feeder: FeederView;
  readonly points: readonly LoadPoint[];
  readonly gridMs: number;
  /** Shaded: when relief is due. */
  readonly window?: Span;
}

export function Trend(props: TrendProps) {
  useEffect(() => void needLoad(props.feeder.feederId), [props.feeder.feederId]);
  const span = useRef<Span>(undefined);
  span.current = props.window;
  const { feeder, points, gridMs } = props;
  const box = usePlot(
    (element) => options(element, () => span.current),
    () => dataOf(props),
    [feeder, points, gridMs],
  );
  const peak = peakOf(feeder, gridMs);
  const ahead = peak ? ` Forecast to reach ${kw(peak.powerKw)} kW at ${time(peak.atMs)}.` : ' No forecast.';
  const label = `Load of ${feeder.name} over the last three hours: now ${kw(feeder.powerKw)} kW of ${kw(feeder.limitKw)} kW.${ahead}`;
  return (
    <figure class="trend">
      <div ref={box} role="img" aria-label={label} />
      <figcaption class="legend">
        kW, import positive, London time. Solid: measured; dashed: forecast, with the band that nine in ten readings
        should fall in; long line: limit; dotted: release level{props.window && '; shaded: the window of relief'}.
      </figcaption>
    </figure>
  );
}

/** Columns: seconds, the band of the forecast (drawn first, under the lines), measured, forecast, limit, release level. */
function dataOf({ feeder, points, gridMs }: TrendProps): uPlot.AlignedData {
  const forecast = feeder.forecast.filter(({ atMs }) => atMs > gridMs && atMs <= gridMs + AHEAD_MS);
  const now = points.at(-1);
  const ahead =
    now && forecast.length > 0 ? [{ ...now, lowKw: now.powerKw, highKw: now.powerKw }, ...forecast] : forecast;
  const past = now ? points.slice(0, -1) : [];
  const joined = ahead.length > 0 ? past : points;
  const all = [...joined, ...ahead];
  const first = joined.length + (ahead.length > forecast.length ? 1 : 0);
  return [
    all.map(({ atMs }) => atMs / 1000),
    all.map((point) => ('highKw' in point ? point.highKw : null)),
    all.map((point) => ('lowKw' in point ? point.lowKw : null)),
    all.map(({ powerKw }, index) => (index < first ? powerKw : null)),
    all.map(({ powerKw }, index) => (index >= joined.length ? powerKw : null)),
    all.map(() => feeder.limitKw),
    all.map(() => feeder.releaseKw),
  ];
}

function options(box: HTMLElement, span: () => Span | undefined): uPlot.Options {
  const line = (label: string, name: string, more?: uPlot.Series) => plotLine(box, label, name, more);
  return {
    ...plotOptions(box, 'kW'),
    bands: [{ series: [1, 2], fill: colourOf(box)('--band') }],
    series: [
      {},
      line('high', '--band', { width: 1 }),
      line('low', '--band', { width: 1 }),
      line('measured', '--load'),
      line('forecast', '--load', { dash: [6, 4] }),
      line('limit', '--text', { width: 2 }),
      line('release', '--text', { width: 1, dash: [2, 4] }),
    ],
    hooks: { drawClear: [(plot) => shade(plot, span(), colourOf(box)('--window')())] },
  };
}
