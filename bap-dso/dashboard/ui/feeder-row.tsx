import { to } from '@flexder/runtime/page/address.ts';
import { duration, kw, percent } from '@flexder/runtime/page/format.ts';
import type { Level } from '@flexder/runtime/page/parts.tsx';
import { Mark } from '@flexder/runtime/page/parts.tsx';
import type { FeederView } from '../../src/operator-api/deps.ts';
import { ageOf, headroomOf, levelOf, STALE_MS, timeToLimitMs } from '../state/derive.ts';
import { LoadBar } from './bars.tsx';

const WORDS: Readonly<Record<Level, string>> = {
  normal: '',
  watch: 'near limit',
  over: 'OVER LIMIT',
  unknown: 'no data',
};

export function FeederRow({ feeder, gridMs }: { readonly feeder: FeederView; readonly gridMs: number }) {
  const level = levelOf(feeder);
  const headroom = headroomOf(feeder);
  const toLimitMs = timeToLimitMs(feeder, gridMs);
  return (
    <li class={isStale(feeder, gridMs) ? 'feeder stale' : 'feeder'} data-level={level}>
      <span class="name">
        <a href={to('feeders', feeder.feederId)}>{feeder.name}</a>
        <Quality feeder={feeder} gridMs={gridMs} />
      </span>
      <LoadBar feeder={feeder} gridMs={gridMs} />
      <span class="figure number">
        <strong>{kw(feeder.powerKw)}</strong> of {kw(feeder.limitKw)} kW
      </span>
      <span class="headroom number">
        {headroom === null ? (
          '–'
        ) : (
          <Mark level={level}>{`${percent(Math.abs(headroom))} ${headroom < 0 ? 'above' : 'free'}`}</Mark>
        )}
      </span>
      <span class="to-limit number">
        {toLimitMs === null ? (
          <span class="note">not forecast</span>
        ) : toLimitMs > 0 ? (
          <Mark level="watch">{`limit in ${duration(toLimitMs)}`}</Mark>
        ) : (
          <Mark level="over">{WORDS.over}</Mark>
        )}
      </span>
    </li>
  );
}

export function isStale(feeder: FeederView, gridMs: number): boolean {
  const ageMs = ageOf(feeder, gridMs);
  return ageMs === null || ageMs > STALE_MS;
}

/** How far the figures may be relied on; good ones need no word. */
export function Quality({ feeder, gridMs }: { readonly feeder: FeederView; readonly gridMs: number }) {
  const ageMs = ageOf(feeder, gridMs);
  const wrong = feeder.anomalies?.length ?? 0;
  const texts = [
    ...(ageMs === null ? ['never read'] : isStale(feeder, gridMs) ? [`${duration(ageMs)} old`] : []),
    ...(feeder.quality === 'ESTIMATED' ? ['estimated'] : []),
    ...(wrong > 0 ? [wrong === 1 ? 'anomaly' : `${wrong} anomalies`] : []),
  ];
  if (texts.length === 0) return null;
  return (
    <small class="quality">
      <Mark level="watch">{texts.join(', ')}</Mark>
    </small>
  );
}
