/** A network of as many feeders as are asked for, with made-up coordinates, ten below each primary. */
import type { NetworkDer, NetworkFeeder, NetworkModel } from '@flexder/bap-dso/network-model/model.ts';

const PER_PRIMARY = 10;
const DERS_PER_FEEDER = 10;
const TYPES = ['battery', 'ev-charger', 'heat-pump'] as const;

export function manyFeeders(ids: readonly string[]): NetworkModel {
  const primaries = Math.ceil(ids.length / PER_PRIMARY);
  const across = Math.ceil(Math.sqrt(primaries));
  const at = (primary: number, feeder = 0) => ({
    latitude: 51.2 + Math.floor(primary / across) * 0.03 + (feeder === 0 ? 0 : 0.008 * Math.sin(feeder)),
    longitude: -0.9 + (primary % across) * 0.05 + (feeder === 0 ? 0 : 0.013 * Math.cos(feeder)),
  });
  const feeders = ids.map((feederId, index): NetworkFeeder => {
    const primary = Math.floor(index / PER_PRIMARY);
    return {
      ...{
        feederId,
        name: `Feeder ${feederId}`,
        releaseShare: 0.95,
        limitBasis: 'normal',
        exportLimitKw: null,
        ratings: [],
      },
      ...{ transformerIds: [], gspGroupId: '_J', substationId: `primary-${primary}` },
      place: { postcodes: [], operatingZone: null, constraintIds: [] },
      essentialLoads: { count: 0, peakKw: 0 },
      position: at(primary, 1 + (index % PER_PRIMARY)),
    };
  });
  const ders = ids.flatMap((feederId, index) =>
    Array.from({ length: DERS_PER_FEEDER }, (_, n): NetworkDer => {
      const msid = String(1_900_000_000_000 + index * DERS_PER_FEEDER + n);
      return {
        ...{ derId: `der-${index}-${n}`, msid, exportMsid: null, feederId, gspId: 'gsp', ratedKw: 5 },
        ...{ aggregatorId: null, essential: false, type: TYPES[n % TYPES.length]! },
      };
    }),
  );
  return {
    ...{ name: 'Many feeders, made up', licenceArea: 'SPN', gsps: new Map([['gsp', '_J']]), ders },
    links: ids.map((toId) => ({ fromId: 'gsp', toId, share: 1 })),
    places: [
      { placeId: 'gsp', kind: 'gsp', name: 'Grid', position: at(0) },
      ...Array.from({ length: primaries }, (_, index) => ({
        ...{ placeId: `primary-${index}`, kind: 'substation' as const },
        ...{ name: `Primary ${index}`, position: at(index) },
      })),
    ],
    feeders: new Map(feeders.map((feeder) => [feeder.feederId, feeder])),
  };
}
