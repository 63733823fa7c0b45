import { expect } from 'chai';
import { CURVES, isEarlierRun, RUN_TYPES, scrpOn } from './config.ts';
import { settlementInput } from './config-input.ts';

const problems = (value: unknown) =>
  (settlementInput.safeParse(value).error?.issues ?? []).map(({ path, message }) => `${path.join('.')} ${message}`);

describe('the settlement configuration', () => {
  it('may leave out everything, and takes presets by name', () => {
    expect(settlementInput.parse({})).to.deep.equal({});
    const parsed = settlementInput.parse({ curve: 'strict', baseline: { workingDays: 5 }, runType: 'SF' });
    expect(parsed.curve).to.deep.equal(CURVES.strict);
    expect(parsed.baseline).to.include({ workingDays: 5, lookBackDays: 60 });
    expect(settlementInput.parse({ scrp: { gbpPerMwh: '98.53', validFrom: '2026-08-28' } }).scrp).to.have.length(1);
  });

  it('says what is wrong with it', () => {
    expect(problems({ runType: 'X1' })[0]).to.match(/^runType /);
    expect(problems({ colour: 'red' })[0]).to.contain('colour');
    expect(
      problems({
        curve: {
          id: 'mine',
          points: [
            [1, 1],
            [0.5, 0],
          ],
        },
      }),
    ).to.have.length(1);
    expect(
      problems({ parties: { bpp: { leadPartyId: 'A', bmUnitId: 'much-too-long-a-unit', supplierPartyId: null } } })[0],
    ).to.contain('is no BM unit id');
    const price = (gbpPerMwh: string, validFrom: string, validUntil?: string) => ({
      gbpPerMwh,
      validFrom,
      ...(validUntil && { validUntil }),
    });
    expect(problems({ scrp: [price('98.5333', '2026-08-28')] })).to.have.length(1);
    expect(problems({ scrp: [price('98.53', '2026-02-30')] })).to.have.length(1);
    expect(problems({ scrp: [price('98.53', '2026-08-28', '2026-08-27')] })).to.have.length(1);
    expect(problems({ scrp: [price('98.53', '2026-08-28'), price('1.00', '2026-08-28')] })).to.have.length(1);
    expect(problems({ scrp: [price('98.53', '2026-08-28', '2026-08-28'), price('1', '2026-08-29')] })).to.deep.equal(
      [],
    );
  });

  it('has one price for a date', () => {
    const scrp = [
      { gbpPerMwh: '2', validFrom: '2026-02-01' },
      { gbpPerMwh: '1', validFrom: '2026-01-01' },
      { gbpPerMwh: '3', validFrom: '2026-03-01', validUntil: '2026-03-31' },
    ];
    const on = (date: string) => scrpOn({ scrp }, date)?.gbpPerMwh;
    expect(['2025-12-31', '2026-01-01', '2026-01-31', '2026-02-01', '2026-03-31'].map(on)).to.deep.equal([
      undefined,
      '1',
      '1',
      '2',
      '3',
    ]);
    // An older price that has no end takes over again.
    expect(on('2026-04-01')).to.equal('2');
  });

  it('knows the runs in their order', () => {
    expect(RUN_TYPES.filter((run) => isEarlierRun(run, 'R1'))).to.deep.equal(['II', 'SF']);
  });
});
