import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FeederId } from '@flexder/protocol/beckn/identifiers.ts';
import { expect } from 'chai';
import { ConfigError } from '../config.ts';
import { configFromEnv } from '../config-env.ts';
import { choosePlan } from '../flex-orchestration/planning/plan.ts';
import { feederViews } from '../grid-monitoring/view.ts';
import { overloadViews } from '../operator-api/events/overloads.ts';
import { networkView } from '../operator-api/network.ts';
import { aggregator } from '../testing/aggregator.ts';
import { need, offer, START_MS } from '../testing/offers.ts';
import { openTestDatabase, type TestDatabase } from '../testing/test-database.ts';
import { Trade } from '../testing/trade.ts';
import { feedersOf, limitsAt } from './feeders.ts';
import { importNetwork } from './import.ts';
import { createReach } from './reach.ts';

const SAMPLE = join(import.meta.dirname, '..', '..', '..', 'schemas', 'samples', 'network');
const network = importNetwork(SAMPLE);
const reach = createReach(network);

describe('the network model in use', () => {
  it('a limit is that of the season on the London calendar', () => {
    const [heathRoad] = feedersOf(network);
    const at = (iso: string) => limitsAt(heathRoad!, Date.parse(iso));
    expect(at('2026-01-15T17:00:00Z')).to.deep.equal({
      limitKw: 5_300,
      releaseKw: 5_300 * 0.95,
      season: 'winter',
      normalKw: 9_000,
      firmKw: 5_300,
    });
    expect(at('2028-02-29T12:00:00Z').season).to.equal('winter');
    // 23:30 UTC on the last day of April is the first of May in London.
    expect([at('2026-04-30T22:59:59Z').season, at('2026-04-30T23:00:00Z').season]).to.deep.equal(['spring', 'summer']);
    expect(at('2026-07-01T12:00:00Z').limitKw).to.equal(4_600);
    expect(limitsAt({ limitKw: 100, releaseShare: 0.9, ratings: [] }, 0)).to.deep.equal({
      limitKw: 100,
      releaseKw: 90,
    });
  });

  describe('in a plan', () => {
    const options = {
      derate: () => 1,
      nowMs: START_MS,
      unresponsive: new Set<string>(),
      declined: new Set<string>(),
      reach: (one: { bppId: string; feederId: string }) => reach(one.bppId, one.feederId, 'heath-road'),
    };
    const wanted = need({ feederId: 'heath-road' as FeederId, requestedKw: 62 });
    const on = (bppId: string, feederId: string, changes = {}) =>
      offer(bppId, { feederId: feederId as FeederId, fulfillmentId: `window.${feederId}`, ...changes });

    it('what is behind the feeder counts whole, what is elsewhere not at all', async () => {
      const plan = await choosePlan(wanted, [on('a', 'heath-road-f07'), on('b', 'river-lane')], options);
      expect(
        plan.blocks.map(({ offer: { bppId }, kw, expectedKw, reach: felt }) => [bppId, kw, expectedKw, felt]),
      ).to.deep.equal([['a', 62, 62, 1]]);
      expect(plan.excluded).to.deep.include({
        bppId: 'b',
        itemId: 'battery.feeder-1',
        availableKw: 80,
        reason: 'other-feeder',
      });
      expect(plan.orders[0]!.selection.feederId, 'ordered where it is').to.equal('heath-road-f07');
    });

    it('of an offer at a GSP more is bought, by the share that reaches the feeder, and it costs accordingly', async () => {
      const share = reach('a', 'gsp-west', 'heath-road');
      const plan = await choosePlan(wanted, [on('a', 'gsp-west', { availableKw: 500 })], options);
      expect(plan.askedKw).to.be.closeTo(62 / share, 0.2);
      expect(plan.expectedKw).to.be.closeTo(62, 0.1);
      expect(plan.orders[0]!.reach).to.equal(share);
      const dearer = on('b', 'heath-road', { priceGbpPerKwh: 0.5, availableKw: 500 });
      const both = await choosePlan(wanted, [on('a', 'gsp-west', { availableKw: 500 }), dearer], options);
      expect(
        both.blocks.map(({ offer: { bppId } }) => bppId),
        '0.4 for half a kW is more than 0.5',
      ).to.deep.equal(['b']);
    });

    it('one BPP with blocks at two places gets two orders', async () => {
      const offers = [on('a', 'heath-road'), on('a', 'heath-road-f07', { itemId: 'heat-pump.f07' })];
      const plan = await choosePlan({ ...wanted, requestedKw: 120 }, offers, options);
      expect(plan.orders.map(({ selection }) => selection.feederId)).to.deep.equal(['heath-road', 'heath-road-f07']);
    });

    it('next to nothing is too little', async () => {
      const plan = await choosePlan(wanted, [on('a', 'gsp-west')], { ...options, reach: () => 0.009 });
      expect(plan.excluded.map(({ reason }) => reason)).to.deep.equal(['reaches-too-little']);
    });

    it('without a model only the feeder itself counts', async () => {
      const { reach: _, ...plain } = options;
      const plan = await choosePlan(wanted, [on('a', 'heath-road-f07'), on('b', 'heath-road')], plain);
      expect(plan.blocks.map(({ offer: { bppId } }) => bppId)).to.deep.equal(['b']);
    });
  });

  describe('in an event', () => {
    let db: TestDatabase;
    before(async () => {
      db = await openTestDatabase();
    });
    after(() => db.close());

    it('is detected at the firm rating of the season, and a commitment counts for what is felt', async () => {
      const bpp = aggregator('a', {
        offer: { feederId: 'gsp-west' as FeederId, availableKw: 2_000, itemId: 'battery.gsp-west' },
      });
      const trade = await Trade.open(db.database, { a: bpp }, { feeders: feedersOf(network), network });
      Object.assign(trade.desk, { reach });
      trade.sample(5_200, 'heath-road');
      await trade.settle();
      expect(await trade.overloads()).to.deep.equal([]);
      await trade.grid.advanceTo(trade.grid.nowMs() + 60_000);
      trade.sample(5_400, 'heath-road');
      await trade.settle();
      const [detected] = trade.auditsOf('overload.detected');
      expect(detected!.rule_inputs).to.include({
        limit_kw: 5_300,
        season: 'winter',
        normal_kw: 9_000,
        firm_kw: 5_300,
        above_firm_kw: 100,
        essential_loads: 2,
      });
      const share = reach('a', 'gsp-west', 'heath-road');
      const [order] = await trade.orders();
      expect(order).to.include({ feeder_id: 'gsp-west', felt_share: share, state: 'SCHEDULED' });
      const needKw = 5_400 - 5_300 * 0.95;
      expect(order!.committed_kw).to.be.closeTo(needKw / share, 1);
      const [view] = await overloadViews(db.database, { limit: 1, offset: 0 });
      expect(view!.committedKw).to.be.closeTo(needKw, 1);
      expect(trade.events.eventOf('heath-road')!.committedKw).to.be.closeTo(needKw, 1);
      expect(trade.auditsOf('alarm.raised')).to.deep.equal([]);
      expect(trade.auditsOf('plan.chosen')[0]!.decision).to.match(/of which \d+ % reach heath-road/);
      const shown = feederViews(trade.desk.context, trade.monitor, trade.events)[0];
      expect(shown).to.include({ feederId: 'heath-road', season: 'winter', firmKw: 5_300, normalKw: 9_000 });
      await trade.close();
    });
  });

  it('the operator sees feeders and counts of devices, and no meter', () => {
    const text = JSON.stringify(networkView(network));
    expect(text).to.not.match(/19000000/);
    const { network: shown } = networkView(network);
    expect(shown!.feeders[0]).to.deep.include({
      feederId: 'heath-road',
      ders: {
        ...{ count: 2, ratedKw: 5 },
        byType: [{ type: 'unknown', count: 2, ratedKw: 5 }],
      },
    });
    expect(networkView(undefined)).to.deep.equal({ network: null });
  });

  describe('as configuration', () => {
    const env = {
      FLEXDER_BAP_SUBSCRIBER_ID: 'dso-1',
      FLEXDER_BAP_NAME: 'A DSO',
      FLEXDER_REGISTRY_URL: 'http://127.0.0.1:3030',
      FLEXDER_BAP_MQTT_USERNAME: 'dso',
      FLEXDER_BAP_MQTT_PASSWORD: 'secret',
    };
    const problemsOf = (more: Record<string, string>) => {
      try {
        configFromEnv({ ...env, ...more });
        return [];
      } catch (error) {
        if (error instanceof ConfigError) return error.problems;
        throw error;
      }
    };

    it('FLEXDER_BAP_NETWORK_DIR stands in place of the list of feeders', () => {
      const config = configFromEnv({ ...env, FLEXDER_BAP_NETWORK_DIR: SAMPLE });
      expect(config.feeders.map(({ feederId, limitKw }) => [feederId, limitKw])).to.deep.equal([
        ['heath-road', 4_600],
        ['heath-road-f07', 1_050],
        ['river-lane', 2_700],
      ]);
      expect(config.network!.name).to.equal(network.name);
      expect(config.settlement.gspGroups).to.include({ 'heath-road': '_J', 'gsp-west': '_J' });
      expect(problemsOf({ FLEXDER_BAP_NETWORK_DIR: SAMPLE, FLEXDER_BAP_FEEDERS: '[]' })).to.include(
        'set one of FLEXDER_BAP_NETWORK_DIR and FLEXDER_BAP_FEEDERS, not both',
      );
    });

    it('takes nothing of a set with a fault, and names file, line and column', () => {
      const dir = mkdtempSync(join(tmpdir(), 'flexder-network-'));
      try {
        cpSync(SAMPLE, dir, { recursive: true });
        writeFileSync(join(dir, 'ratings.csv'), 'heath-road,winter,0\n', { flag: 'a' });
        expect(problemsOf({ FLEXDER_BAP_NETWORK_DIR: dir })).to.include(
          'FLEXDER_BAP_NETWORK_DIR: ratings.csv, line 22, rating_kw: must be a number above 0 and at most 1000000, not "0"',
        );
      } finally {
        rmSync(dir, { recursive: true });
      }
    });

    it('open data are configured beside it', () => {
      const config = configFromEnv({ ...env, FLEXDER_BAP_NETWORK_DIR: SAMPLE, FLEXDER_OPEN_DATA: 'on' });
      expect(config.openData.enabled).to.equal(true);
      expect(problemsOf({ FLEXDER_BAP_NETWORK_DIR: SAMPLE, FLEXDER_OPEN_DATA: 'maybe' })).to.deep.equal([
        'FLEXDER_OPEN_DATA must be on or off',
      ]);
    });
  });
});
