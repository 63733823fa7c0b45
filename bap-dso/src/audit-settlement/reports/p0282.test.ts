import { expect } from 'chai';
import { sha256 } from '../digest.ts';
import type { SettlementValues } from '../settlement/rows.ts';
import { P0282Error, p0282, p0282Flow, pairsWithoutUnit } from './p0282.ts';

const DATE = '2026-10-25';

function row(more: Partial<SettlementValues>): SettlementValues {
  const plain = {
    settlement_date: DATE,
    settlement_period: 35,
    gsp_group_id: '_J',
    bm_unit_id: 'V__BBRIGHT1',
    import_msid: '1200000000001',
    export_msid: null,
    obp_id: 'obp-1',
    issued_at: '2026-10-25T16:59:58.250Z',
    delivered_mwh: '0.016000',
  };
  return { ...plain, ...more } as unknown as SettlementValues;
}

const volumes = (rows: SettlementValues[]) =>
  p0282(DATE, rows).gsp_groups.flatMap((group) =>
    group.bm_units.flatMap((unit) => unit.msid_pairs.flatMap((pair) => pair.periods.map((one) => one.delivered_mwh))),
  );

describe('the delivered volumes of a day', () => {
  it('are a tree of groups, units, pairs and periods, sorted', () => {
    const tree = p0282(DATE, [
      row({ settlement_period: 50 }),
      row({ settlement_period: 2 }),
      row({ gsp_group_id: '_C', import_msid: '1200000000003', delivered_mwh: '-0.004250' }),
      row({ import_msid: '1200000000002', export_msid: '1200000000099', delivered_mwh: '0.012000' }),
    ]);
    expect(tree).to.deep.equal({
      flow: 'P0282001',
      settlement_date: DATE,
      gsp_groups: [
        {
          gsp_group: '_C',
          bm_units: [
            {
              bm_unit: 'V__BBRIGHT1',
              msid_pairs: [
                {
                  import_msid: '1200000000003',
                  export_msid: null,
                  periods: [{ settlement_period: 35, delivered_mwh: '-0.0043' }],
                },
              ],
            },
          ],
        },
        {
          gsp_group: '_J',
          bm_units: [
            {
              bm_unit: 'V__BBRIGHT1',
              msid_pairs: [
                {
                  import_msid: '1200000000001',
                  export_msid: null,
                  periods: [
                    { settlement_period: 2, delivered_mwh: '0.0160' },
                    { settlement_period: 50, delivered_mwh: '0.0160' },
                  ],
                },
                {
                  import_msid: '1200000000002',
                  export_msid: '1200000000099',
                  periods: [{ settlement_period: 35, delivered_mwh: '0.0120' }],
                },
              ],
            },
          ],
        },
      ],
      control: { msid_pairs: 3, periods: 4, delivered_mwh: '0.0397' },
    });
  });

  it('round to four places, half away from zero, without a negative zero', () => {
    const of = (delivered_mwh: string) => volumes([row({ delivered_mwh })])[0];
    expect(['0.000050', '-0.000050', '0.000049', '-0.000049', '12.345650'].map(of)).to.deep.equal([
      '0.0001',
      '-0.0001',
      '0.0000',
      '0.0000',
      '12.3457',
    ]);
  });

  it('count a pair once in a period, by the order that was issued first', () => {
    const later = row({ obp_id: 'obp-0', issued_at: '2026-10-25T17:10:00Z', delivered_mwh: '0.015000' });
    expect(volumes([later, row({})])).to.deep.equal(['0.0160']);
    expect(volumes([row({}), later])).to.deep.equal(['0.0160']);
  });

  it('are a flow file with the count and hash of its records', () => {
    const flow = p0282Flow(p0282(DATE, [row({ export_msid: '1200000000099' })]), 'dso-1', '2026-10-26T09:00:00.000Z');
    const body = 'MSA|20261025\nMSB|_J\nMSC|V__BBRIGHT1\nMSI|1200000000001|1200000000099\nMSP|35|0.0160\n';
    expect(flow).to.equal(`AAA|P0282001|dso-1|2026-10-26T09:00:00.000Z\n${body}ZZZ|5|${sha256(body)}\n`);
  });

  it('refuse what the flow has no form for, and say where it is', () => {
    const refused: [Partial<SettlementValues>, string][] = [
      [{ settlement_date: '2026-10-26' }, 'is of 2026-10-26'],
      [{ gsp_group_id: 'J' }, 'a GSP group has 2 characters'],
      [{ bm_unit_id: 'V__BBRIGHT12' }, 'is no BM unit'],
      [{ import_msid: '12' }, '12 is no MSID'],
      [{ export_msid: 'x' }, 'x is no MSID'],
      [{ delivered_mwh: '10000000000.000000' }, 'does not fit'],
    ];
    for (const [more, message] of refused)
      expect(() => p0282(DATE, [row(more)]))
        .to.throw(P0282Error, message)
        .with.property('message')
        .that.contains('order obp-1');
    expect(volumes([row({})])).to.have.length(1);
  });

  it('say how many pairs stand under no unit', () => {
    const tree = p0282(DATE, [row({ bm_unit_id: 'NONE' }), row({ import_msid: '1200000000002' })]);
    expect(pairsWithoutUnit(tree)).to.equal(1);
  });
});
