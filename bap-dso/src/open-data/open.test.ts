import { systemWallClock } from '@flexder/runtime/clock.ts';
import type { Context } from '@flexder/runtime/context.ts';
import { createOutbound } from '@flexder/runtime/http/safe-outbound.ts';
import { expect } from 'chai';
import { bapHealth } from '../health.ts';
import { openTestDatabase, type TestDatabase } from '../testing/test-database.ts';
import { Trade } from '../testing/trade.ts';
import { OPEN_DATA_OFF } from './config.ts';
import { type OpenData, openOpenData } from './open.ts';
import { type VirtualWall, virtualWall } from './testing/portal.ts';

describe('open data of a service', () => {
  let db: TestDatabase;
  let trade: Trade;
  let wall: VirtualWall;
  let openData: OpenData;
  const http = createOutbound({ wall: systemWallClock() });
  before(async () => {
    db = await openTestDatabase();
    trade = await Trade.open(db.database, {});
    wall = virtualWall();
    const nowhere = 'http://127.0.0.1:1';
    const baseUrls = { ukpn: nowhere, neso: nowhere, elexon: nowhere, carbon: nowhere };
    const context: Context = { ...trade.desk.context, http, wall };
    openData = await openOpenData(context, { ...OPEN_DATA_OFF, enabled: true, baseUrls }, db.database);
  });
  after(async () => {
    await http.close();
    await trade.close();
    await db.close();
  });

  it('starts without a network, says offline, and is never why a service is not ready', async () => {
    const offline = () => openData.statuses().filter(({ link }) => link === 'offline').length;
    wall.pass(20_000);
    for (let i = 0; i < 400 && offline() < 12; i++) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(offline()).to.equal(12);
    const participant = {
      database: db.database,
      oldestOutboxAgeMs: () => 0,
      archiveBacklog: async () => ({ waiting: 0, oldestAgeMs: 0, refused: 0 }),
      audit: { oldestUnsealedAgeMs: () => 0 },
      registry: { health: () => ({ ok: true, detail: 'answered' }) },
      awayCounterparties: () => [],
    } as unknown as Parameters<typeof bapHealth>[1];
    const context = { wall: systemWallClock() } as Context;
    const on = await bapHealth(context, participant, { checks: () => ({}) }, openData);
    expect(on.ready).to.equal(true);
    expect(on.dependencies['open-data']).to.include({
      ok: true,
      detail: '0 of 12 data sets fresh; offline for 12, nothing is known yet',
    });
    const off = await bapHealth(context, participant, { checks: () => ({}) }, undefined);
    expect(off.dependencies['open-data']).to.include({ ok: true, detail: 'off' });
    await openData.close();
  });
});
