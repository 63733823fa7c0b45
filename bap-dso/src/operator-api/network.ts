/** The network model as the operator sees it. No meter and no person: devices are counted. */
import type { NetworkFeeder, NetworkModel } from '../network-model/model.ts';

export function networkView(model: NetworkModel | undefined) {
  if (!model) return { network: null };
  const { name, licenceArea, gsps, links, feeders } = model;
  const views = [...feeders.values()].map((feeder) => feederView(model, feeder));
  return { network: { name, licenceArea, gsps: [...gsps.keys()], links, feeders: views } };
}

function feederView({ ders }: NetworkModel, feeder: NetworkFeeder) {
  const own = ders.filter((der) => der.feederId === feeder.feederId);
  const kw = own.reduce((sum, der) => sum + (der.essential ? 0 : der.ratedKw), 0);
  return { ...feeder, ders: { count: own.length, ratedKw: Math.round(kw * 1_000) / 1_000 } };
}
