/** What a shift looks back on: a feeder's days, its alarms, and what it tells the next. */
import { tokenSha256 } from '@flexder/runtime/access/people.ts';
import { expect } from 'chai';
import express from 'express';
import request from 'supertest';
import { DSO, NOW_MS, type Opened, opened, seedOrder } from '../../audit-settlement/fixtures/opened.ts';
import type { BapConfig } from '../../config.ts';
import { raiseAlarm } from '../../flex-orchestration/alarms/alarms.ts';
import { NOTE_LENGTH } from '../limits.ts';
import { createOperatorApi, type OperatorApi } from '../router.ts';
import { heatMap } from './heat.ts';
import { kpiAt } from './kpi-view.ts';

const HOUR_MS = 3_600_000;
const FEEDER = { feederId: 'feeder-1', name: 'Heath Road', limitKw: 100, releaseShare: 0.95, ratings: [] };
const people = (['viewer', 'operator'] as const).map((role) => ({ name: role, role, tokenSha256: tokenSha256(role) }));

describe('what a shift looks back on', () => {
  let dso: Opened;
  let api: OperatorApi;
  let app: express.Express;
  before(async () => {
    dso = await opened();
    const config = { ...dso.config, subscriberId: DSO, viewing: 'open', operators: people, feeders: [FEEDER] };
    api = createOperatorApi({ ...dso, config: config as unknown as BapConfig, feeders: () => [] });
    app = express().use(api);
    await seedOrder(dso.db, { state: 'IN_PROGRESS' });
  });
  after(async () => {
    await api.close();
    await dso.close();
  });
  const get = (path: string) => request(app).get(`/api/v1/${path}`);
  const read = async (at: string, powerKw: number) => {
    const row = { feeder_id: 'feeder-1', read_at: at, power_kw: powerKw, quality: 'GOOD' as const };
    await dso.db.insertInto('feeder_reading').values(row).execute();
  };

  describe('the heat map', () => {
    beforeEach(() => dso.db.deleteFrom('feeder_reading').execute());

    it('has means by London hour over whole days, today last, and nothing where nothing was read', async () => {
      await read('2026-01-15T17:00:00Z', 80);
      await read('2026-01-15T17:59:59Z', 100);
      await read('2026-01-14T00:00:00Z', 40);
      await read('2026-01-01T23:59:59Z', 999);
      const { body } = await get('load/heat?feeder_id=feeder-1');
      expect([body.minutes, body.dates.length, body.dates[0], body.dates[13]]).to.deep.equal([
        ...[60, 14, '2026-01-02', '2026-01-15'],
      ]);
      expect(body.cells.map(({ startMs: _, ...cell }: { startMs: number }) => cell)).to.deep.equal([
        { date: '2026-01-14', slot: 0, meanKw: 40, limitKw: 100, readings: 1 },
        { date: '2026-01-15', slot: 17, meanKw: 90, limitKw: 100, readings: 2 },
      ]);
      const halves = (await get('load/heat?feeder_id=feeder-1&minutes=30&days=1')).body;
      expect(halves.cells.map(({ slot }: { slot: number }) => slot)).to.deep.equal([34, 35]);
    });

    it('the hour that a day has twice is one, weighed by its readings; the one it has not is a gap', async () => {
      await read('2026-10-25T00:30:00Z', 30);
      await read('2026-10-25T01:30:00Z', 60);
      await read('2026-10-25T01:40:00Z', 60);
      await read('2026-03-29T00:30:00Z', 10);
      await read('2026-03-29T01:30:00Z', 20);
      const of = async (nowMs: number) =>
        (await heatMap(dso.db, FEEDER, { nowMs, days: 1, minutes: 60 })).cells.map(({ slot, meanKw }) => [
          slot,
          meanKw,
        ]);
      expect(await of(Date.parse('2026-10-25T12:00:00Z'))).to.deep.equal([[1, 50]]);
      expect(await of(Date.parse('2026-03-29T12:00:00Z'))).to.deep.equal([
        [0, 10],
        [2, 20],
      ]);
    });

    it('the limit is that of the season', async () => {
      await read('2026-01-15T12:00:00Z', 50);
      const rating = { normalKw: 90, firmKw: null, limitKw: 90 };
      const ratings = [{ season: 'winter', from: '12-01', to: '02-29', ...rating }];
      const { cells } = await heatMap(dso.db, { ...FEEDER, ratings }, { nowMs: NOW_MS, days: 1, minutes: 60 });
      expect(cells[0]!.limitKw).to.equal(90);
    });

    for (const [query, parameter, message] of [
      ['', 'feeder_id', 'is required'],
      ['?feeder_id=feeder-9', 'feeder_id', 'is no feeder of this DSO'],
      ['?feeder_id=feeder-1&days=32', 'days', 'expected a whole number from 1 to 31'],
      ['?feeder_id=feeder-1&minutes=15', 'minutes', 'expected one of 30, 60'],
    ] as const) {
      it(`refuses ${query || 'no feeder'}`, async () => {
        const { status, body } = await get(`load/heat${query}`);
        expect([status, body.error.parameter]).to.deep.equal([400, parameter]);
        expect(body.error.message).to.contain(message);
      });
    }
  });

  it('figures of alarms are of their period; what stands counts from a day on, until it is over', async () => {
    const nowMs = dso.context.wall.nowMs();
    const raise = async (hoursAgo: number, kind: 'data-missing' | 'load-collapse', cleared = false) => {
      await dso.participant.transact((work) =>
        raiseAlarm(dso, work as never, { kind, text: 'x', feederId: 'feeder-1' }),
      );
      const { alarm_id } = await dso.db
        .selectFrom('alarm')
        .select('alarm_id')
        .orderBy('alarm_id', 'desc')
        .executeTakeFirstOrThrow();
      const at = new Date(nowMs - hoursAgo * HOUR_MS);
      const over = cleared ? { cleared_wall_at: at } : {};
      await dso.db
        .updateTable('alarm')
        .set({ raised_wall_at: at, ...over })
        .where('alarm_id', '=', alarm_id)
        .execute();
    };
    await raise(200, 'data-missing');
    await raise(30, 'data-missing');
    await raise(30, 'load-collapse', true);
    await raise(2, 'load-collapse');
    const day = await kpiAt(dso.db, nowMs, 24);
    expect([day.count, day.standing, day.cut, day.priorities.high.count]).to.deep.equal([1, 2, false, 1]);
    const { body } = await get('alarms/kpi?period=7d');
    expect([body.count, body.standing, body.frequent[0].kind]).to.deep.equal([3, 2, 'load-collapse']);
    expect(Date.parse(body.to) - Date.parse(body.from)).to.equal(7 * 24 * HOUR_MS);
    const refused = await get('alarms/kpi?period=1y');
    expect([refused.status, refused.body.error.message]).to.deep.equal([400, 'period: expected one of 24h, 7d']);
  });

  describe('the handover', () => {
    const write = (body: object, as?: string) => {
      const call = request(app).post('/api/v1/handover');
      return (as === undefined ? call : call.set('authorization', `Bearer ${as}`)).send(body);
    };

    it('a note has a name and an instant, is shown newest first, and is one record', async () => {
      expect((await get('handover')).body).to.deep.equal({ notes: [] });
      const first = await write({ text: 'Mill Lane:\n<b>the RTU is replaced</b>' }, 'operator');
      expect(first.status).to.equal(201);
      await write({ text: 'nothing new' }, 'operator');
      const { notes } = (await get('handover')).body;
      expect(notes.map(({ by, text }: { by: string; text: string }) => [by, text])).to.deep.equal([
        ['operator', 'nothing new'],
        ['operator', 'Mill Lane:\n<b>the RTU is replaced</b>'],
      ]);
      expect(notes[1]).to.deep.equal(first.body);
      expect((await get('handover?limit=1')).body.notes).to.have.length(1);
      await dso.participant.audit.sealNow();
      const { records } = (await get('audit?order=newest&limit=2')).body;
      expect(
        records.map((one: { event_type: string; actor_id: string }) => [one.event_type, one.actor_id]),
      ).to.deep.equal([
        ['handover.noted', 'operator'],
        ['handover.noted', 'operator'],
      ]);
      expect(records[1].decision).to.equal('Mill Lane:\n<b>the RTU is replaced</b>');
    });

    it('is written by an operator alone, within its bounds, in letters', async () => {
      const before = (await get('handover')).body.notes.length;
      const refusals = [
        await write({ text: 'x' }),
        await write({ text: 'x' }, 'viewer'),
        await write({ text: 'x'.repeat(NOTE_LENGTH + 1) }, 'operator'),
        await write({ text: ' \n ' }, 'operator'),
        await write({ text: 'a bell\u0007' }, 'operator'),
        await write({ text: 'x', by: 'olga' }, 'operator'),
      ];
      expect(refusals.map(({ status, body }) => [status, body.error.code])).to.deep.equal([
        ...[
          [401, 'AUT_SIGN_IN'],
          [403, 'AUT_ROLE'],
          [400, 'BAD_PARAMETER'],
        ],
        ...[
          [400, 'BAD_PARAMETER'],
          [400, 'BAD_PARAMETER'],
          [400, 'BAD_PARAMETER'],
        ],
      ]);
      expect((await get('handover')).body.notes).to.have.length(before);
      expect((await write({ text: 'é'.repeat(NOTE_LENGTH) }, 'operator')).status).to.equal(201);
    });

    it('a draft says what is so now, since the note before', async () => {
      await write({ text: 'quiet' }, 'operator');
      const { text } = (await get('handover/draft')).body;
      expect(text).to.match(/^At \d\d:\d\d\. Since the note of operator at \d\d:\d\d: 0 events, 0 alarms\.\n/);
      expect(text).to.contain('Orders in flight: 1, 60.0 kW promised.');
      expect((await get('handover/draft?x=1')).status).to.equal(400);
    });
  });
});
