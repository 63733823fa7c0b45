/** What the charts over time have in common. */
import { time } from '@flexder/runtime/page/format.ts';
import { shownTheme } from '@flexder/runtime/page/theme.ts';
import type { RefObject } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';

export const PLOT_HEIGHT = 230;

/**
 * A chart as wide as its box. `made` is called once, `data` when one of `changes` does.
 *
 * @returns the box
 */
export function usePlot(
  made: (box: HTMLElement) => uPlot.Options,
  data: () => uPlot.AlignedData,
  changes: readonly unknown[],
): RefObject<HTMLDivElement | null> {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>(undefined);
  useEffect(() => {
    const element = box.current!;
    const drawn = new uPlot(made(element), data(), element);
    plot.current = drawn;
    const follow = new ResizeObserver(() => drawn.setSize({ width: element.clientWidth, height: PLOT_HEIGHT }));
    follow.observe(element);
    return () => {
      follow.disconnect();
      drawn.destroy();
      plot.current = undefined;
    };
  }, []);
  useEffect(() => {
    plot.current?.setData(data());
  }, [...changes, shownTheme.value]);
  return box;
}

/** The value of a colour of the page, now. */
export const colourOf = (box: HTMLElement) => (name: string) => () => getComputedStyle(box).getPropertyValue(name);

/** Instants are told to the minute, so no two ticks are within one. */
const TICKS_S = [1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1_440].map((minutes) => minutes * 60);

/** Of figures over London time; no cursor and no legend, both are beside it in words. */
export function plotOptions(box: HTMLElement, unit: string): Omit<uPlot.Options, 'series'> {
  const colour = colourOf(box);
  const axis = {
    stroke: colour('--muted'),
    grid: { stroke: colour('--line'), width: 1 },
    ticks: { stroke: colour('--line') },
  };
  return {
    width: box.clientWidth || 600,
    height: PLOT_HEIGHT,
    cursor: { show: false },
    legend: { show: false },
    scales: { y: { range: (_plot, low, high) => [Math.min(0, low), high * 1.08] } },
    axes: [
      { ...axis, incrs: TICKS_S, values: (_plot, ticks) => ticks.map((at) => time(at * 1000)) },
      {
        ...axis,
        label: unit,
        labelSize: 18,
        size: 56,
        values: (_plot, ticks) => ticks.map((value) => value.toLocaleString('en-GB')),
      },
    ],
  };
}

export function plotLine(box: HTMLElement, label: string, name: string, more: uPlot.Series = {}): uPlot.Series {
  return { ...{ label, stroke: colourOf(box)(name), width: 2, points: { show: false } }, ...more };
}

export interface Span {
  readonly startMs: number;
  readonly endMs: number;
}

/** Behind the lines, for as long as it lasts. */
export function shade(plot: uPlot, span: Span | undefined, fill: string): void {
  if (!span) return;
  const { left, top, width, height } = plot.bbox;
  const x = (ms: number) => Math.min(left + width, Math.max(left, plot.valToPos(ms / 1000, 'x', true)));
  plot.ctx.save();
  plot.ctx.fillStyle = fill;
  plot.ctx.fillRect(x(span.startMs), top, x(span.endMs) - x(span.startMs), height);
  plot.ctx.restore();
}
