/** The network model as the operator sees it. No meter and no person: devices are counted, feeder by feeder. */
import { groupBy } from '../network-model/group.ts';
import type { NetworkDer, NetworkFeeder, NetworkModel, NetworkPlace } from '../network-model/model.ts';

/** Devices of one type behind a feeder; those at essential meters are counted, and no kW of them. */
export interface DerSum {
  readonly type: string;
  readonly count: number;
  readonly ratedKw: number;
}

export interface NetworkFeederView extends NetworkFeeder {
  readonly ders: { readonly count: number; readonly ratedKw: number; readonly byType: readonly DerSum[] };
}

export interface NetworkView {
  readonly name: string;
  readonly licenceArea: string;
  readonly gsps: readonly string[];
  readonly places: readonly NetworkPlace[];
  readonly links: NetworkModel['links'];
  readonly feeders: readonly NetworkFeederView[];
}

export function networkView(model: NetworkModel | undefined): { readonly network: NetworkView | null } {
  if (!model) return { network: null };
  const { name, licenceArea, gsps, places, links, feeders } = model;
  const ders = groupBy(model.ders, (der) => der.feederId);
  const views = [...feeders.values()].map((feeder) => feederView(feeder, ders.get(feeder.feederId) ?? []));
  return { network: { name, licenceArea, gsps: [...gsps.keys()], places, links, feeders: views } };
}

function feederView(feeder: NetworkFeeder, ders: readonly NetworkDer[]): NetworkFeederView {
  const byType = [...groupBy(ders, (der) => der.type ?? 'unknown')].map(([type, own]) => ({ type, ...sumOf(own) }));
  return { ...feeder, ders: { ...sumOf(ders), byType: byType.sort((a, b) => (a.type < b.type ? -1 : 1)) } };
}

function sumOf(ders: readonly NetworkDer[]) {
  const kw = ders.reduce((sum, der) => sum + (der.essential ? 0 : der.ratedKw), 0);
  return { count: ders.length, ratedKw: Math.round(kw * 1_000) / 1_000 };
}
