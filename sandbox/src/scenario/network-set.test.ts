import { networkView } from '@flexder/bap-dso/operator-api/network.ts';
import type { DerManifest } from '@flexder/der-simulators/model.ts';
import { expect } from 'chai';
import { networkOf } from './network-set.ts';
import type { ScenarioFeeder } from './types.ts';

const feeder = (feederId: string, limitKw: number) => ({ feederId, name: feederId, limitKw }) as ScenarioFeeder;
const der = (derId: string, feederId: string, type: string, essential = false) =>
  ({ derId, feederId, type, ratedKw: 5, importMsid: `99${derId}`, exportMsid: null, essential }) as DerManifest;

describe('network of the evening peak', () => {
  it('has the limits and the devices of its scenario, at fictitious places', () => {
    const ders = [
      der('1', 'feeder-1', 'battery'),
      der('2', 'feeder-1', 'heat-pump', true),
      der('3', 'feeder-1', 'battery'),
      der('4', 'feeder-9', 'battery'),
    ];
    const feeders = [feeder('feeder-1', 4_000), feeder('feeder-2', 4_000), feeder('feeder-9', 4_000)];
    const { network } = networkView(networkOf({ name: 'evening-peak', feeders, ders }));
    expect(network!.name).to.contain('fictitious');
    expect(network!.feeders.map((one) => [one.feederId, one.ratings[0]!.limitKw, one.ders.count])).to.deep.equal([
      ['feeder-1', 4_000, 3],
      ['feeder-2', 4_000, 0],
    ]);
    expect(network!.feeders[0]!.ders, 'an essential one is counted, its kW are not').to.deep.equal({
      ...{ count: 3, ratedKw: 10 },
      byType: [
        { type: 'battery', count: 2, ratedKw: 10 },
        { type: 'heat-pump', count: 1, ratedKw: 0 },
      ],
    });
    expect(JSON.stringify(network), 'no meter leaves').to.not.contain('991');
  });

  it('a scenario of another name has none', () => {
    expect(networkOf({ name: 'activation-bench', feeders: [feeder('feeder-1', 1)], ders: [] })).to.equal(undefined);
  });
});
