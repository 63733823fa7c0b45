import { expect } from 'chai';
import { Changes } from './changes.ts';
import type { LiveState } from './snapshot.ts';

const nothing: LiveState = { feeders: [], overloads: [], orders: [], alarms: [], decisions: [], restrictions: [] };
const state = (more: object) => ({ ...nothing, ...more }) as unknown as LiveState;

describe('changes on the operator’s stream', () => {
  it('name an alarm that is new or was acknowledged, and not one that is as it was', () => {
    const changes = new Changes();
    const [one, two] = [
      { alarmId: 1, ackedBy: null },
      { alarmId: 2, ackedBy: null },
    ];
    expect(changes.since(state({ alarms: [one] })).alarms).to.deep.equal([one]);
    expect(changes.since(state({ alarms: [two, one] })).alarms).to.deep.equal([two]);
    expect(changes.since(state({ alarms: [two, one] }))).to.not.have.property('alarms');
    const heard = { ...one, ackedBy: 'olga' };
    expect(changes.since(state({ alarms: [two, heard] })).alarms).to.deep.equal([heard]);
  });

  for (const member of ['decisions', 'restrictions'] as const) {
    it(`tell all ${member} when one comes or goes, also that there are none left`, () => {
      const changes = new Changes();
      changes.since(nothing);
      expect(changes.since(nothing)).to.not.have.property(member);
      expect(changes.since(state({ [member]: ['a', 'b'] }))[member]).to.deep.equal(['a', 'b']);
      expect(changes.since(state({ [member]: ['a', 'b'] }))).to.not.have.property(member);
      expect(changes.since(nothing)[member]).to.deep.equal([]);
    });
  }
});
