import { derId, feederId } from '@flexder/protocol/beckn/identifiers.ts';
import { expect } from 'chai';
import { LIMITS } from '../limits.ts';
import type { DerRecord, PortfolioDer } from './der.ts';
import { Fleet } from './fleet.ts';

const NOW = Date.UTC(2026, 0, 15, 18);
const ID = derId('ev-1');

function fleetOfOne(): Fleet {
  const fleet = new Fleet();
  const contract = { derId: ID, type: 'ev-charger', feederId: feederId('F-1'), ratedKw: 7 } as PortfolioDer;
  fleet.put(contract, { derNo: 1 } as DerRecord);
  return fleet;
}

describe('the readings of a device in memory', () => {
  const read = (fleet: Fleet, atMs: number, powerKw: number) =>
    fleet.read(ID, { atMs, powerKw, availableDownKw: powerKw });
  const powers = (fleet: Fleet) => fleet.get(ID)?.live.recent.map(({ powerKw }) => powerKw);

  it('are those of the baseline before the newest one, its beginning left out', () => {
    const fleet = fleetOfOne();
    read(fleet, NOW - LIMITS.baselineMs, 1);
    read(fleet, NOW - LIMITS.baselineMs + 1, 2);
    expect(powers(fleet)).to.deep.equal([1, 2]);
    read(fleet, NOW, 3);
    expect(powers(fleet)).to.deep.equal([2, 3]);
  });

  it('are the newest ones where a device reports too often', () => {
    const fleet = fleetOfOne();
    for (let i = 0; i <= LIMITS.maxSamplesPerDer; i++) read(fleet, NOW + i, i);
    expect(powers(fleet)).to.have.length(LIMITS.maxSamplesPerDer);
    expect(powers(fleet)?.[0]).to.equal(1);
    expect(powers(fleet)?.at(-1)).to.equal(LIMITS.maxSamplesPerDer);
  });

  it('do not change for one that is not newer', () => {
    const fleet = fleetOfOne();
    expect(read(fleet, NOW, 3)).to.equal(true);
    expect(read(fleet, NOW, 4)).to.equal(false);
    expect(powers(fleet)).to.deep.equal([3]);
    expect(fleet.get(ID)?.live.powerKw).to.equal(3);
  });
});
