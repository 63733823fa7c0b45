/** One feeder on the map: its state as shape and letter, its load against its limit, what could be shed behind it. */
import { kw, plural } from '@flexder/runtime/page/format.ts';
import { useMemo } from 'preact/hooks';
import type { FeederView } from '../../src/operator-api/deps.ts';
import type { NetworkFeederView } from '../../src/operator-api/network.ts';
import type { Sign } from './marks.ts';

/** A bar is 125 % of the limit high. */
const WIDEST = 1.25;
const BAR_PX = 22;
const DERS_PX = 44;

export interface FeederMarkProps {
  readonly x: number;
  readonly y: number;
  readonly name: string;
  readonly feeder: FeederView | undefined;
  readonly sign: Sign;
  readonly ders: NetworkFeederView['ders'] | undefined;
  readonly hasEvent: boolean;
  readonly selected: boolean;
  readonly named: boolean;
  /** A dot among many. */
  readonly small: boolean;
}

export function FeederMark(props: FeederMarkProps) {
  const { x, y, name, feeder, sign, ders, hasEvent, selected, named, small } = props;
  // Of a thousand some change each second: what did not is not looked at again.
  return useMemo(
    () => (
      <g class="map-mark" transform={`translate(${x.toFixed(1)} ${y.toFixed(1)})`} data-level={sign.level}>
        {selected && <rect class="map-selected" x="-17" y="-17" width="42" height="34" rx="3" />}
        {hasEvent && <circle class="map-event" r="14" />}
        {small ? <circle class="map-shape" r="3" /> : <Shape sign={sign} />}
        {!small && <Bar feeder={feeder} />}
        {named && <Name name={name} feeder={feeder} ders={ders} hasEvent={hasEvent} />}
      </g>
    ),
    [x, y, name, feeder, sign.letter, ders, hasEvent, selected, named, small],
  );
}

function Shape({ sign: { level, letter } }: { readonly sign: Sign }) {
  return (
    <>
      {level === 'normal' && <circle class="map-shape" r="6" />}
      {level === 'watch' && <path class="map-shape" d="M0 -11L11 0L0 11L-11 0Z" />}
      {level === 'over' && <path class="map-shape" d="M0 -12L12 9L-12 9Z" />}
      {level === 'unknown' && <rect class="map-shape" x="-8" y="-8" width="16" height="16" />}
      {letter !== '' && (
        <text class="map-letter" y="5">
          {letter}
        </text>
      )}
    </>
  );
}

function Bar({ feeder }: { readonly feeder: FeederView | undefined }) {
  const share = (feeder?.powerKw ?? 0) / (feeder?.limitKw ?? 1);
  const height = (BAR_PX * Math.min(WIDEST, Math.max(0, share))) / WIDEST;
  const limit = BAR_PX / 2 - BAR_PX / WIDEST;
  return (
    <>
      <rect class="map-ground" x="15" y={-BAR_PX / 2} width="6" height={BAR_PX} />
      <rect class="map-load" x="15" y={BAR_PX / 2 - height} width="6" height={height} />
      <path class="map-limit" d={`M13 ${limit}H23`} />
    </>
  );
}

function Name(props: Pick<FeederMarkProps, 'name' | 'feeder' | 'ders' | 'hasEvent'>) {
  const { name, feeder, ders, hasEvent } = props;
  const shown = name.length > 18 ? `${name.slice(0, 17)}…` : name;
  return (
    <>
      <text class="map-name" x="27" y="-2">
        {shown}
        {hasEvent && ' · event'}
      </text>
      <text class="map-figure" x="27" y="11">
        {kw(feeder?.powerKw)} of {kw(feeder?.limitKw)} kW
      </text>
      {ders && ders.count > 0 && <Ders ders={ders} />}
    </>
  );
}

/** One mark for all devices behind the feeder: lengths are rated kW by type. */
function Ders({ ders }: { readonly ders: NetworkFeederView['ders'] }) {
  const { count, ratedKw, byType } = ders;
  const px = (kw: number) => (ratedKw === 0 ? 0 : (DERS_PX * kw) / ratedKw);
  const starts = byType.map((_, index) => byType.slice(0, index).reduce((sum, one) => sum + px(one.ratedKw), 0));
  return (
    <>
      {byType.map(({ type, ratedKw: own }, index) => (
        <rect key={type} class={`map-der ${type}`} x={27 + starts[index]!} y="15" width={px(own)} height="6" />
      ))}
      <text class="map-figure" x={27 + DERS_PX + 4} y="22">
        {plural(count, 'DER')} {kw(ratedKw)} kW
      </text>
    </>
  );
}
