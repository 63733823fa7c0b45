/** Figures as lengths against a limit: position says more than a number. */

import { kw, time } from '@flexder/runtime/page/format.ts';
import type { FeederView } from '../../src/operator-api/deps.ts';
import { peakOf } from '../state/derive.ts';

/** The whole width is 125 % of the limit, so that limits of all feeders stand under each other. */
const WIDEST = 1.25;
const HEIGHT = 26;

export function LoadBar({ feeder, gridMs }: { readonly feeder: FeederView; readonly gridMs: number }) {
  const { limitKw, releaseKw, powerKw } = feeder;
  const at = (value: number) => `${((100 * Math.min(WIDEST, Math.max(0, value / limitKw))) / WIDEST).toFixed(2)}%`;
  const across = (from: number, until: number) => ({
    x: at(from),
    width: `${Math.max(0, Number.parseFloat(at(until)) - Number.parseFloat(at(from)))}%`,
  });
  const peak = peakOf(feeder, gridMs);
  const ahead = peak
    ? `; forecast peak ${kw(peak.powerKw)} kW at ${time(peak.atMs)}, ${kw(peak.lowKw)} to ${kw(peak.highKw)}`
    : '';
  const label = `Load ${kw(powerKw)} kW, release level ${kw(releaseKw)} kW, limit ${kw(limitKw)} kW${ahead}`;
  return (
    <svg class="bar" width="100%" height={HEIGHT} role="img" aria-label={label}>
      <title>{label}</title>
      <rect class="bar-ground" x="0" y="3" width="100%" height="20" />
      {peak && <rect class="bar-band" {...across(peak.lowKw, peak.highKw)} y="3" height="20" />}
      <rect class="bar-load" {...across(0, powerKw ?? 0)} y="8" height="10" />
      {peak && <line class="bar-peak" x1={at(peak.powerKw)} x2={at(peak.powerKw)} y1="3" y2="23" />}
      <line class="bar-release" x1={at(releaseKw)} x2={at(releaseKw)} y1="3" y2="23" />
      <line class="bar-limit" x1={at(limitKw)} x2={at(limitKw)} y1="0" y2="26" />
    </svg>
  );
}

export interface Figure {
  readonly name: string;
  /** kW; null while it is not known. */
  readonly kw: number | null;
}

/** What was promised, acknowledged and measured are three things, each against what was asked for. */
export function Against({ asked, figures }: { readonly asked: number; readonly figures: readonly Figure[] }) {
  const widest = 1.15 * Math.max(asked, ...figures.map((figure) => figure.kw ?? 0), 1);
  const at = (value: number) => `${((100 * Math.max(0, value)) / widest).toFixed(2)}%`;
  return (
    <div class="against">
      {figures.map((figure) => (
        <div key={figure.name} class="against-row">
          <span>{figure.name}</span>
          <svg class="bar" width="100%" height="18" aria-hidden="true">
            <rect class="bar-ground" x="0" y="2" width="100%" height="14" />
            <rect class={`bar-${figure.name.toLowerCase()}`} x="0" y="5" width={at(figure.kw ?? 0)} height="8" />
            <line class="bar-limit" x1={at(asked)} x2={at(asked)} y1="0" y2="18" />
          </svg>
          <span class="number">{figure.kw === null ? 'not yet' : `${kw(figure.kw)} kW`}</span>
        </div>
      ))}
      <p class="legend">kW of reduction; the upright line is what was asked for: {kw(asked)} kW</p>
    </div>
  );
}
