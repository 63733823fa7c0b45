import type { DeviceAnswer } from '@flexder/protocol/flexibility/model.ts';
import { expect } from 'chai';
import { consentOf } from './consent.ts';

describe('the consent of a device, as far as the DSO is told', () => {
  const order = (answer: DeviceAnswer, reason?: string) => ({ answer, atMs: 1, ...(reason && { reason }) });

  it('held when the aggregator commanded it, whatever it made of that; an opt-out may be either', () => {
    for (const answer of ['ACCEPTED', 'REJECTED', 'EXPIRED', 'SILENT'] as const)
      expect(consentOf([order(answer)]), answer).to.deep.equal({ state: 'valid', atMs: 1 });
    expect(consentOf([order('OPTED_OUT')]).state).to.equal('unknown');
    expect(consentOf([order('OPTED_OUT', 'guests')]).state).to.equal('unknown');
    expect(consentOf([order('OPTED_OUT', 'consent-withdrawn')])).to.deep.equal({ state: 'withdrawn', atMs: 1 });
  });

  it('is that of the newest order alone, and of none where there is none', () => {
    expect(consentOf([order('ACCEPTED'), order('OPTED_OUT', 'consent-withdrawn')]).state).to.equal('valid');
    expect(consentOf([])).to.deep.equal({ state: 'unknown', atMs: null });
  });
});
