import type { Context } from '@flexder/runtime/context.ts';
import { expect } from 'chai';
import type { Kysely } from 'kysely';
import { INPUT_SLOTS } from '../../limits.ts';
import type { ExogenousInputs } from '../../open-data/exogenous.ts';
import { openTestDatabase, type TestDatabase } from '../../testing/test-database.ts';
import { Trade } from '../../testing/trade.ts';
import type { ForecastTables } from './forecast-store.ts';
import { gatherInputs, LiveInputs, restoreInputs } from './live-inputs.ts';

const HALF_HOUR_MS = 1_800_000;
const NOW_MS = Date.parse('2026-01-15T17:00:00Z');
const known = (live: LiveInputs, name: string, atMs: number) =>
  live.inputs.find((input) => input.name === name)!.at(atMs);

/** An open data view in which demand is the number of the half hour, up to now. */
const demandUntil = (nowMs: number) =>
  ({
    series: (id) =>
      id === 'national-demand'
        ? { at: (atMs: number) => (atMs <= nowMs ? atMs / HALF_HOUR_MS : undefined) }
        : undefined,
  }) as ExogenousInputs;

describe('live inputs of the forecast', () => {
  let db: TestDatabase;
  before(async () => {
    db = await openTestDatabase();
  });
  after(() => db.close());

  it('are of hourly temperatures, with the half hours between, the later forecast in place of the earlier', () => {
    const live = new LiveInputs();
    const point = (hours: number, temperature_c: number) => ({
      ...{ at: new Date(NOW_MS + hours * 3_600_000).toISOString(), temperature_c },
    });
    live.weather({ points: [point(0, 4), point(1, 6)] }, NOW_MS);
    live.weather({ points: [point(1, 8), point(2, 9)] }, NOW_MS);
    const at = (halves: number) => known(live, 'temperature', NOW_MS + halves * HALF_HOUR_MS);
    expect([-1, 0, 1, 2, 3, 4, 5].map(at)).to.deep.equal([undefined, 4, 5, 8, 8.5, 9, undefined]);
  });

  it('keep what the open data told of and no longer tell, across a restart', async () => {
    const trade = await Trade.open(db.database, {});
    await db.database.deleteFrom('forecast_state').execute();
    const tables = db.database as unknown as Kysely<ForecastTables>;
    const live = new LiveInputs();
    const gathering = gatherInputs(trade.desk.context, tables, live, demandUntil(trade.grid.nowMs()));
    await trade.grid.advanceTo(trade.grid.nowMs() + HALF_HOUR_MS);
    await gathering.close();
    const later = new LiveInputs();
    await restoreInputs(trade.desk.context, tables, later);
    const atMs = trade.grid.nowMs() - 2 * 86_400_000;
    expect(known(later, 'national demand', atMs)).to.equal(Math.floor(atMs / HALF_HOUR_MS));
    expect(known(later, 'national demand', trade.grid.nowMs() + HALF_HOUR_MS)).to.equal(undefined);
    expect(known(later, 'embedded wind', atMs)).to.equal(undefined);
    await trade.close();
  });

  it('what is kept and cannot be read stops no start', async () => {
    const said: string[] = [];
    const log = { warn: (_: object, text: string) => said.push(text) } as unknown as Context['log'];
    await db.database
      .updateTable('forecast_state')
      .set({ state: Buffer.from([9]) })
      .execute();
    await restoreInputs({ log }, db.database as unknown as Kysely<ForecastTables>, new LiveInputs());
    expect(said).to.deep.equal(['kept forecast inputs cannot be read; gathered anew']);
  });

  it('hold no more than a history has room for, whatever is sent', () => {
    const live = new LiveInputs();
    for (let day = 0; day < 200; day++) {
      const nowMs = NOW_MS + day * 86_400_000;
      const points = Array.from({ length: 500 }, (_, i) => ({
        ...{ at: new Date(nowMs + (i - 250) * 3 * HALF_HOUR_MS).toISOString(), temperature_c: 5 },
      }));
      live.weather({ points }, nowMs);
    }
    expect(live.state().byteLength).to.be.below(INPUT_SLOTS * 20);
  });
});
