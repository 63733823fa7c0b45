import { expect } from 'chai';
import { addLeftOut, isForConsent, LEFT_OUT_REASONS, leftOutReasonText, leftOutText } from './left-out.ts';

describe('what is left out, in words', () => {
  it('each reason has a text of its own; a code nobody knows is shown as it is', () => {
    const texts = Object.keys(LEFT_OUT_REASONS).map(leftOutReasonText);
    expect(new Set(texts).size).to.equal(texts.length);
    expect(leftOutReasonText('consent-expired')).to.equal('consent expired or withdrawn');
    expect(leftOutReasonText('roof-works')).to.equal('roof works');
    expect(leftOutReasonText('constructor')).to.equal('constructor');
    expect(['consent-expired', 'consent-declined', 'offline', 'consenting'].map(isForConsent)).to.deep.equal([
      ...[true, true, false, false],
    ]);
  });

  it('counts add up by reason, the most devices first', () => {
    const counts = addLeftOut([
      { reason: 'offline', devices: 2, ratedKw: 5.1 },
      { reason: 'essential-use', devices: 4, ratedKw: 13 },
      { reason: 'offline', devices: 5, ratedKw: 13.2 },
    ]);
    expect(counts).to.deep.equal([
      { reason: 'offline', devices: 7, ratedKw: 18.3 },
      { reason: 'essential-use', devices: 4, ratedKw: 13 },
    ]);
    expect(leftOutText(counts)).to.equal('11 devices, 31.3 kW rated: offline 7 (18.3 kW), essential use 4 (13 kW)');
    expect(leftOutText([{ reason: 'offline', devices: 1, ratedKw: 2.25 }])).to.equal(
      '1 device, 2.3 kW rated: offline 1 (2.3 kW)',
    );
  });
});
