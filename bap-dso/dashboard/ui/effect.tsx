/** What a proposed action would do, in words and figures. */
import { kw, percent, pounds, time } from '@flexder/runtime/page/format.ts';
import { Facts } from '@flexder/runtime/page/parts.tsx';
import type { Proposed } from '../state/action.ts';

interface Window {
  readonly startMs: number;
  readonly endMs: number;
}

interface Known {
  readonly says: string;
  /** What is bought, or of an order that is changed what it is and would be. */
  readonly kw?: number | { readonly from: number; readonly to: number };
  readonly window?: { readonly from: Window; readonly to: Window };
  readonly releasedKw?: number;
  readonly bppId?: string;
  readonly event?: { readonly feederId: string; readonly eventId: string };
  readonly order?: { readonly obpId: string; readonly bppId: string; readonly state: string };
  readonly der?: { readonly derId: string; readonly feederId: string; readonly ratedKw: number | null };
  readonly whatIf?: { readonly withKw: number; readonly withoutKw: number; readonly lastNeedKw: number | null };
  readonly option?: {
    readonly name: string;
    readonly reliefKw: number;
    readonly costGbp: number;
    readonly risk: number;
  };
}

export function Effect({ of }: { readonly of: Proposed['effect'] }) {
  const { says, event, order, option, bppId, der, whatIf, kw: wanted, window, releasedKw } = of as Known;
  const rows: [string, string][] = [];
  if (event) rows.push(['Feeder', event.feederId], ['Event', event.eventId]);
  if (order) rows.push(['Order', `${order.obpId} of ${order.bppId}`], ['It is', order.state]);
  if (der) rows.push(['Device', der.derId], ['Feeder', der.feederId]);
  if (der?.ratedKw) rows.push(['Rated', `${kw(der.ratedKw)} kW`]);
  if (bppId) rows.push(['Aggregator', bppId]);
  if (option) {
    rows.push(['Option', option.name], ['Expected relief', `${kw(option.reliefKw)} kW`]);
    rows.push(['Cost', pounds(option.costGbp)], ['Risk that the limit does not hold', percent(option.risk, 1)]);
  }
  if (whatIf) {
    rows.push(['On offer with it', `${kw(whatIf.withKw)} kW`], ['On offer without it', `${kw(whatIf.withoutKw)} kW`]);
    rows.push(['Last need there', whatIf.lastNeedKw === null ? 'none yet' : `${kw(whatIf.lastNeedKw)} kW`]);
  }
  if (typeof wanted === 'number') rows.push(['Bought', `${kw(wanted)} kW`]);
  else if (wanted) rows.push(['Promised', `${kw(wanted.from)} kW, asked for ${kw(wanted.to)} kW`]);
  if (window) rows.push(['Window', `${spanOf(window.from)}, asked for ${spanOf(window.to)}`]);
  if (releasedKw !== undefined) rows.push(['Given up', `${kw(releasedKw)} kW`]);
  return (
    <>
      <p class="says">{says[0]?.toUpperCase() + says.slice(1)}.</p>
      <Facts of={rows} />
    </>
  );
}

const spanOf = ({ startMs, endMs }: Window) => `${time(startMs)}–${time(endMs)}`;
