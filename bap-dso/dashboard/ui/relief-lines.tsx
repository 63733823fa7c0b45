/** Promised, acknowledged and measured relief of an event over time, against what was asked for. */
import { kw, timeOfDay } from '@flexder/runtime/page/format.ts';
import { Panel, Reading } from '@flexder/runtime/page/parts.tsx';
import { type Column, Table } from '@flexder/runtime/page/table.tsx';
import { useRef } from 'preact/hooks';
import uPlot from 'uplot';
import type { OverloadView } from '../../src/operator-api/events/overloads.ts';
import type { ReliefView } from '../../src/operator-api/events/relief.ts';
import type { Live } from '../state/model.ts';
import { useRead } from '../state/read.ts';
import { type ReliefRow, rowsOf, valueAt } from '../state/relief.ts';
import { colourOf, plotLine, plotOptions, shade, usePlot } from './plot.ts';

/** Readings nearer than this, in grid time, are no reason to read the lines again. */
const EVERY_MS = 10_000;

export function ReliefLines({ state, event }: { readonly state: Live; readonly event: OverloadView }) {
  const feeder = state.feeders.get(event.feederId);
  const orders = state.orders.filter(({ eventId }) => eventId === event.eventId).map(({ updatedMs }) => updatedMs);
  const readings = event.state === 'RELEASED' ? 0 : Math.floor((feeder?.at ?? 0) / EVERY_MS);
  const version = [event.state, event.measuredKw, readings, orders.length, Math.max(0, ...orders)].join(' ');
  const read = useRead<ReliefView>(`/api/v1/events/${encodeURIComponent(event.eventId)}/relief`, version);
  return (
    <Panel id="lines" title="Relief over time" note="kW of reduction at the feeder, London time">
      <Reading of={read}>{(relief) => <Lines of={relief} />}</Reading>
    </Panel>
  );
}

function Lines({ of }: { readonly of: ReliefView }) {
  const { band, window, untilMs, promised, acknowledged, measured } = of;
  const now = useRef(of);
  now.current = of;
  const box = usePlot(
    (element) => options(element, () => now.current),
    () => dataOf(of),
    [of],
  );
  const last = (line: ReliefView['promised']) => kw(valueAt(line, untilMs));
  const label =
    `Relief at ${timeOfDay(untilMs)}: promised ${last(promised)} kW, acknowledged ${last(acknowledged)} kW, ` +
    `measured ${kw(measured.at(-1)?.kw)} kW, of ${kw(band.requestedKw)} kW asked for. The table below has the values.`;
  return (
    <figure class="trend">
      <div ref={box} role="img" aria-label={label} />
      <figcaption class="legend">
        kW of reduction, positive where the load fell. Long dashes: promised by orders in force; dots: acknowledged by
        devices, as their aggregators told; solid: measured, the fall of the load from{' '}
        {of.baselineKw === null ? 'its baseline' : `${kw(of.baselineKw)} kW`}, whatever made it fall. Band: from the{' '}
        {kw(band.neededKw)} kW that hold the limit to the {kw(band.requestedKw)} kW that were asked for; shaded: the
        window of relief, {timeOfDay(window.startMs)}–{timeOfDay(window.endMs)}.
      </figcaption>
      <details>
        <summary>These lines as a table</summary>
        <Table
          label="Relief over time"
          columns={COLUMNS}
          rows={rowsOf(of)}
          keyOf={({ atMs }) => String(atMs)}
          empty="Nothing is due yet."
        />
      </details>
    </figure>
  );
}

const COLUMNS: readonly Column<ReliefRow>[] = [
  { head: 'At', cell: ({ atMs }) => <span class="number">{timeOfDay(atMs)}</span> },
  { head: 'Promised kW', number: true, cell: ({ promisedKw }) => kw(promisedKw) },
  { head: 'Acknowledged kW', number: true, cell: ({ acknowledgedKw }) => kw(acknowledgedKw) },
  { head: 'Measured kW', number: true, cell: ({ measuredKw }) => kw(measuredKw) },
];

/** Half as long again as there is something to show, and at least that of the window: lines that have begun are to be seen. */
const AHEAD_SHARE = 0.5;
const AHEAD_MS = 5 * 60_000;

function shownUntilMs({ window, untilMs }: ReliefView): number {
  const ahead = untilMs + Math.max(AHEAD_MS, (untilMs - window.startMs) * AHEAD_SHARE);
  return Math.max(untilMs, Math.min(window.endMs, ahead));
}

/** Columns: seconds, the band (drawn first, under the lines), promised, acknowledged, measured. */
function dataOf(of: ReliefView): uPlot.AlignedData {
  const { window, band, untilMs } = of;
  const ends = [window.startMs, Math.min(window.endMs, shownUntilMs(of)), untilMs].map((atMs) => ({ atMs }));
  const instants = [...of.promised, ...of.acknowledged, ...of.measured, ...ends].map(({ atMs }) => atMs);
  const all = [...new Set(instants)].sort((a, b) => a - b);
  const asked = (value: number) => all.map((atMs) => (atMs >= window.startMs && atMs <= window.endMs ? value : null));
  const steps = (line: ReliefView['promised']) => all.map((atMs) => (atMs <= untilMs ? valueAt(line, atMs) : null));
  const measured = new Map(of.measured.map((point) => [point.atMs, point.kw]));
  return [
    all.map((atMs) => atMs / 1000),
    asked(band.requestedKw),
    asked(band.neededKw),
    steps(of.promised),
    steps(of.acknowledged),
    // Undefined: nothing was read then, and the line goes on to where something was.
    all.map((atMs) => measured.get(atMs)),
  ] as uPlot.AlignedData;
}

const NAMES = ['promised', 'acknowledged', 'measured'] as const;
const FIRST = 3;

function options(box: HTMLElement, now: () => ReliefView): uPlot.Options {
  const line = (label: string, name: string, more?: uPlot.Series) => plotLine(box, label, name, more);
  const stepped = uPlot.paths.stepped!({ align: 1 });
  const [promised, acknowledged, measured] = NAMES;
  return {
    ...plotOptions(box, 'kW of reduction'),
    padding: [null, 96, null, null],
    bands: [{ series: [1, 2], fill: colourOf(box)('--band') }],
    series: [
      {},
      line('asked for', '--muted', { width: 1 }),
      line('holds the limit', '--muted', { width: 1 }),
      line(promised, '--text', { dash: [12, 6], paths: stepped }),
      line(acknowledged, '--text', { dash: [2, 4], width: 3, paths: stepped }),
      line(measured, '--load', { width: 2.5 }),
    ],
    hooks: {
      drawClear: [(plot) => shade(plot, now().window, colourOf(box)('--window')())],
      draw: [(plot) => name(plot, colourOf(box)('--text')())],
    },
  };
}

/** Each line has its name at its end; names that would lie on each other stand one below the other. */
function name(plot: uPlot, colour: string): void {
  const { ctx, data, bbox } = plot;
  const scale = uPlot.pxRatio;
  const ends = NAMES.flatMap((text, index) => {
    const line = data[FIRST + index] ?? [];
    const at = line.findLastIndex((value) => value !== null && value !== undefined);
    return at < 0 ? [] : [{ text, x: plot.valToPos(data[0][at]!, 'x', true), y: plot.valToPos(line[at]!, 'y', true) }];
  }).sort((a, b) => a.y - b.y);
  ctx.save();
  ctx.fillStyle = colour;
  ctx.font = `${12 * scale}px system-ui, sans-serif`;
  ctx.textAlign = 'left';
  ctx.textBaseline = 'middle';
  let below = bbox.top;
  for (const { text, x, y } of ends) {
    const top = Math.max(y, below);
    ctx.fillText(text, x + 6 * scale, top);
    below = top + 14 * scale;
  }
  ctx.restore();
}
