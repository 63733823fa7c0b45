import { expect } from 'chai';
import {
  alarms,
  bought,
  decisions,
  eventId,
  HAND,
  type Modes,
  requested,
  useDecisions,
} from '../../testing/decisions.ts';
import { both, overload, states } from '../../testing/trades.ts';
import { handsOf } from './by-hand.ts';
import { TooLateError } from './too-late.ts';

describe('who decides', () => {
  const { overloaded, restarted } = useDecisions();

  describe('automatic', () => {
    it('the rule buys what it recommends, and keeps what else there was and why', async () => {
      const trade = await overloaded([]);
      expect(await requested(trade)).to.deep.equal([70]);
      const [row] = await decisions(trade);
      expect(row).to.include({ mode: 'automatic', state: 'APPROVED', chosen: 'sufficient', decided_role: 'RULE' });
      const { options, reason } = row!.offered;
      expect(options.map(({ name, askedKw, costGbp }) => [name, askedKw, costGbp])).to.deep.equal([
        ['low', 20, 8],
        ['sufficient', 70, 28],
        ['everything', 160, 72],
      ]);
      expect(reason).to.match(/cheapest that reaches the release level; low would save £20\.00/);
      expect(trade.auditsOf('decision.made')[0]).to.deep.include({ rule_id: 'cheapest-sufficient', code: 'APPROVED' });
      expect(alarms(trade, 'decision-needed')).to.have.length(0);
    });

    for (const [limit, why] of [
      [{ approveKw: 69 }, /70 kW are more than the 69 kW/],
      [{ approveGbp: 27 }, /£28\.00 are more than the £27\.00/],
    ] as const)
      it(`beyond ${JSON.stringify(limit)} a person is asked, just within not`, async () => {
        const trade = await overloaded([{ mode: 'automatic', ...limit }]);
        expect(await trade.orders()).to.have.length(0);
        expect((await decisions(trade))[0]).to.include({ mode: 'supervised', state: 'OPEN' });
        expect(alarms(trade, 'decision-needed')[0]!.decision).to.match(why);
        await trade.close();
        const within = await overloaded([{ mode: 'automatic', approveKw: 70, approveGbp: 28 }]);
        expect(await requested(within)).to.deep.equal([70]);
      });
  });

  it('the first rule that fits holds, by feeder and by how the overload was found', async () => {
    const elsewhere: Modes = [
      { feederId: 'feeder-9', mode: 'manual' },
      { severity: 'forecast', mode: 'manual' },
    ];
    expect(await requested(await overloaded(elsewhere))).to.deep.equal([70]);
    const here = await overloaded([...elsewhere, { feederId: 'feeder-1', severity: 'measured', mode: 'manual' }]);
    expect((await decisions(here))[0]).to.include({ mode: 'manual', state: 'OPEN' });
  });

  describe('supervised', () => {
    const SUPERVISED: Modes = [{ mode: 'supervised', countdownSeconds: 60 }];

    it('the operator chooses another option, which is bought by fresh offers under their name', async () => {
      const trade = await overloaded(SUPERVISED);
      expect(await trade.orders()).to.have.length(0);
      expect(await overload(trade)).to.include({ state: 'BUYING' });
      await handsOf(trade.desk).decide(await eventId(trade), 'low', HAND);
      await trade.settle();
      expect(await requested(trade)).to.deep.equal([20]);
      expect(await overload(trade)).to.include({ state: 'DISPATCHED' });
      expect(trade.actions('search')).to.have.length(2);
      expect(trade.auditsOf('decision.made')[0]).to.deep.include({
        actor_id: 'olga',
        actor_role: 'OPERATOR',
        decision: 'low of low, sufficient, everything: the crew is on the line',
      });
      trade.wall.pass(120_000);
      await trade.settle();
      expect(await requested(trade), 'the countdown is over for it').to.deep.equal([20]);
    });

    it('everything buys everything', async () => {
      const trade = await overloaded(SUPERVISED);
      await handsOf(trade.desk).decide(await eventId(trade), 'everything', HAND);
      await trade.settle();
      expect(await states(trade)).to.have.length(2);
      expect((await requested(trade)).reduce((sum, kw) => sum + kw)).to.equal(160);
    });

    it('when nobody decides what is recommended is bought, not before', async () => {
      const trade = await overloaded(SUPERVISED);
      trade.wall.pass(59_000);
      await trade.settle();
      expect(await trade.orders()).to.have.length(0);
      trade.wall.pass(1_000);
      await trade.settle();
      expect(await requested(trade)).to.deep.equal([70]);
      expect(trade.auditsOf('decision.made')[0]).to.deep.include({ rule_id: 'countdown-over', code: 'APPROVED' });
    });

    it('or the need is let pass, where that is the rule', async () => {
      const trade = await overloaded([{ mode: 'supervised', countdownSeconds: 60, onDue: 'let-pass' }]);
      trade.wall.pass(60_000);
      await trade.settle();
      expect(await trade.orders()).to.have.length(0);
      expect(await overload(trade)).to.include({ state: 'SHORT' });
      expect(trade.auditsOf('decision.made')[0]).to.deep.include({ code: 'LAPSED' });
    });

    it('declined, nothing is bought, also not at the limit; it is decided once', async () => {
      const trade = await overloaded(SUPERVISED);
      const id = await eventId(trade);
      await handsOf(trade.desk).decide(id, null, HAND);
      await trade.settle();
      for (let i = 0; i < 3; i++) await trade.step(2, 1_040);
      trade.wall.pass(120_000);
      await trade.settle();
      expect(await trade.orders()).to.have.length(0);
      expect(alarms(trade, 'relief-short'), 'a person hears that it is short').to.have.length(1);
      const again = handsOf(trade.desk).decide(id, 'low', HAND);
      const error = await again.then(
        () => undefined,
        (reason: unknown) => reason,
      );
      expect(error).to.be.instanceOf(TooLateError);
    });

    it('a countdown that ends while the database is away is over when it is back', async () => {
      const trade = await overloaded(SUPERVISED);
      trade.broken = new Error('the database is away');
      trade.wall.pass(60_000);
      await trade.settle();
      expect(await trade.orders()).to.have.length(0);
      trade.broken = undefined;
      trade.wall.pass(1_000);
      await trade.settle();
      expect(await requested(trade)).to.deep.equal([70]);
    });

    it('what lapsed stays so over a restart', async () => {
      const modes: Modes = [{ mode: 'supervised', countdownSeconds: 60, onDue: 'let-pass' }];
      const trade = await overloaded(modes);
      trade.wall.pass(60_000);
      await trade.settle();
      // As if it had crashed before it wrote what came of it.
      await trade.database.updateTable('overload').set({ state: 'BUYING' }).execute();
      const again = await restarted(trade, both(), { modes });
      expect(await again.orders()).to.have.length(0);
      expect(await overload(again)).to.include({ state: 'SHORT' });
    });

    it('released by hand it waits for nobody any more', async () => {
      const trade = await overloaded(SUPERVISED);
      await handsOf(trade.desk).release(await eventId(trade), HAND);
      await trade.settle();
      expect((await decisions(trade))[0]).to.include({ state: 'DECLINED', decided_by: 'olga' });
      trade.wall.pass(120_000);
      await trade.step(1, 900);
      expect(await trade.orders()).to.have.length(0);
      expect(await overload(trade)).to.include({ state: 'RELEASED' });
    });

    it('over a restart it goes on waiting, and then holds', async () => {
      const trade = await overloaded(SUPERVISED);
      const again = await restarted(trade, both());
      expect(await again.orders()).to.have.length(0);
      await handsOf(again.desk).decide(await eventId(again), 'low', HAND);
      await again.settle();
      expect(await requested(again)).to.deep.equal([20]);
    });
  });

  describe('manual', () => {
    it('nothing is ever bought without the operator, who may buy more by hand', async () => {
      const trade = await overloaded([{ mode: 'manual' }]);
      const id = await eventId(trade);
      trade.wall.pass(24 * 3_600_000);
      await trade.settle();
      expect((await decisions(trade))[0]).to.include({ state: 'OPEN', due_wall_at: null });
      await handsOf(trade.desk).decide(id, 'low', HAND);
      await trade.settle();
      for (let i = 0; i < 3; i++) await trade.step(2, 1_040);
      expect(await requested(trade), 'no top-up by rule').to.deep.equal([20]);
      await bought(trade, id, { kw: 30, emergency: false });
      expect(await requested(trade)).to.deep.equal([20, 30]);
      expect(trade.auditsOf('operator.bought')[0]).to.deep.include({ actor_id: 'olga', requested_kw: 30 });
    });
  });

  describe('manual, and nobody decides', () => {
    const MANUAL: Modes = [{ mode: 'manual' }];

    it('the decision ends with the window, and the feeder is watched on', async () => {
      const trade = await overloaded(MANUAL);
      const { window_end_at } = await overload(trade);
      await trade.step((window_end_at.getTime() - trade.grid.nowMs()) / 60_000 + 1, 900);
      expect((await decisions(trade))[0]).to.include({ state: 'LAPSED', decided_by: 'window-over' });
      expect(await overload(trade)).to.include({ state: 'RELEASED' });
      await trade.step(15, 1_030);
      expect(await trade.overloads()).to.have.length(2);
      expect(await trade.orders()).to.have.length(0);
    });

    it('a crash before the decision was written buys nothing', async () => {
      const trade = await overloaded(MANUAL);
      await trade.database.deleteFrom('decision').execute();
      const again = await restarted(trade, both(), { modes: MANUAL });
      expect(await again.orders()).to.have.length(0);
      expect((await decisions(again))[0]).to.include({ mode: 'manual', state: 'OPEN' });
    });
  });
});
