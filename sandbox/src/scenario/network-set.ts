/** The network model of the evening peak: the set in `sandbox/network`, with the limits and devices of a scenario. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { importNetwork } from '@flexder/bap-dso/network-model/import.ts';
import type { NetworkDer, NetworkFeeder, NetworkModel } from '@flexder/bap-dso/network-model/model.ts';
import type { Scenario } from './types.ts';

/** Feeders beyond those of the set stand on no map. Undefined for a scenario that has feeders of its own. */
export function networkOf(scenario: Pick<Scenario, 'name' | 'feeders' | 'ders'>): NetworkModel | undefined {
  if (scenario.name !== 'evening-peak') return undefined;
  const model = importNetwork(setFolder());
  const [gspId] = model.gsps.keys();
  const limits = new Map(scenario.feeders.map(({ feederId, limitKw }) => [feederId, limitKw]));
  const feeders = [...model.feeders.values()].flatMap((feeder) => {
    const limitKw = limits.get(feeder.feederId);
    return limitKw === undefined ? [] : [limited(feeder, limitKw)];
  });
  const ders = scenario.ders
    .filter(({ feederId }) => limits.has(feederId) && model.feeders.has(feederId))
    .map(
      (der): NetworkDer => ({
        ...{
          derId: der.derId,
          msid: der.importMsid,
          exportMsid: der.exportMsid,
          feederId: der.feederId,
          gspId: gspId!,
        },
        ...{ ratedKw: der.ratedKw, aggregatorId: der.aggregatorId, type: der.type, essential: der.essential },
      }),
    );
  return { ...model, feeders: new Map(feeders.map((feeder) => [feeder.feederId, feeder])), ders };
}

/** Limits of a scenario go with the size of its fleet. */
function limited(feeder: NetworkFeeder, limitKw: number): NetworkFeeder {
  return { ...feeder, ratings: feeder.ratings.map((rating) => ({ ...rating, normalKw: limitKw, limitKw })) };
}

/** The command runs from its sources or from a bundle elsewhere in the tree. */
function setFolder(): string {
  for (let folder = import.meta.dirname; ; folder = dirname(folder)) {
    const candidate = join(folder, 'sandbox', 'network');
    if (existsSync(join(candidate, 'network.json'))) return candidate;
    if (dirname(folder) === folder)
      throw new Error(`no sandbox/network above ${import.meta.dirname}: it belongs to the tree`);
  }
}
