import { tokenSha256 } from '@flexder/runtime/access/people.ts';
import { participantMigrations } from '@flexder/runtime/participant/open.ts';
import { thorough } from '@flexder/runtime/testing/thorough.ts';
import { expect } from 'chai';
import { type Kysely, sql } from 'kysely';
import request from 'supertest';
import type { AggregatorService } from '../main.ts';
import { AGGREGATOR_MIGRATIONS } from '../migrations.ts';
import type { AggregatorTables } from '../tables.ts';
import { type Bench, openBench } from '../testing/bench.ts';
import { AGGREGATOR, derIdOf, feederOf, portfolioOf } from '../testing/portfolio.ts';
import { buyQuote } from '../testing/purchase.ts';
import { type EnrolmentDocument, enrolledOnce, STANDARD_PROGRAMME } from './document.ts';

const TOKENS = { vera: 'token-of-vera-the-viewer', olga: 'token-of-olga-the-operator' };
const OPERATORS = [
  { name: 'vera', role: 'viewer' as const, tokenSha256: tokenSha256(TOKENS.vera) },
  { name: 'olga', role: 'operator' as const, tokenSha256: tokenSha256(TOKENS.olga) },
];
const DERS = 3;
const API = '/api/v1/enrolment';
const WHOLE = enrolledOnce(portfolioOf(DERS));
/** The last device takes part in nothing. */
const CONFIGURED: EnrolmentDocument = { ...WHOLE, subscriptions: WHOLE.subscriptions.slice(0, -1) };

describe('enrolment', function () {
  this.timeout(60_000);
  let bench: Bench;
  let service: AggregatorService;
  let db: Kysely<AggregatorTables>;

  before(async () => {
    bench = await openBench({ ders: DERS, onDisk: true, settings: { operators: OPERATORS, enrolment: CONFIGURED } });
    await start();
  });
  beforeEach(() => bench.report());
  after(async () => {
    await service?.close();
    await bench?.close();
  });

  async function start(...how: Parameters<Bench['start']>) {
    service = await bench.start(...how);
    const migrations = { ...participantMigrations, ...AGGREGATOR_MIGRATIONS };
    db = await bench.context.engines.database.open<AggregatorTables>(AGGREGATOR, migrations);
  }
  async function startAgain(...how: Parameters<Bench['start']>) {
    await service.close();
    await bench.crash();
    await start(...how);
    await bench.report();
  }
  const as = (who: keyof typeof TOKENS) => ({ authorization: `Bearer ${TOKENS[who]}` });
  const get = (path: string, who: keyof typeof TOKENS = 'olga') =>
    request(service.url).get(`${API}${path}`).set(as(who));
  const post = (path: string, body: object, who: keyof typeof TOKENS = 'olga') =>
    request(service.url).post(`${API}${path}`).set(as(who)).send(body);
  const exclusions = async () => {
    const { body } = await request(service.url).get('/api/v1/portfolio');
    return body.feeders[0].ders.map((der: { excluded: string | null }) => der.excluded);
  };
  let dso: ReturnType<Bench['world']['bap']> | undefined;
  const quotedKw = async () => {
    dso ??= bench.world.bap('dso-1');
    const startMs = bench.grid.nowMs() + 3_600_000;
    const window = { startMs, endMs: startMs + 1_800_000 };
    const { quote, error } = await buyQuote(bench, dso, { feeder: feederOf(0), kw: 1_000, window });
    // Whoever asks next finds every device free.
    await sql`delete from reservation`.execute(db);
    return quote?.totalKw ?? error?.message;
  };

  it('offers what is subscribed, and says why it leaves a device out', async () => {
    expect(await exclusions()).to.deep.equal([null, null, 'not-subscribed']);
    const two = (await quotedKw()) as number;
    const added = { subscriptions: [WHOLE.subscriptions.at(-1)] };
    expect((await post('/import', added)).body).to.deep.equal({ programmes: 0, consumers: 0, subscriptions: 1 });
    expect(await exclusions()).to.deep.equal([null, null, null]);
    expect(await quotedKw()).to.be.closeTo((two * 3) / 2, 0.2);
    // The same again is no change.
    expect((await post('/import', added)).body).to.deep.equal({ programmes: 0, consumers: 0, subscriptions: 0 });
  });

  it('needs a token, and for a change the role of an operator; a refusal is on record', async () => {
    const nobody = await request(service.url).get(`${API}/programmes`);
    expect([nobody.status, nobody.body.error.code]).to.deep.equal([401, 'AUT_SIGN_IN']);
    expect((await get('/programmes', 'vera')).body.programmes[0].programmeId).to.equal('standard');
    const refused = await post('/import', { consumers: [{ consumerId: 'c-1', kind: 'home' }] }, 'vera');
    expect([refused.status, refused.body.error.code]).to.deep.equal([403, 'AUT_ROLE']);
    expect((await get('/consumers', 'vera')).status).to.equal(403);
    const unchanged = await db.selectFrom('consumer').select('name').where('consumer_id', '=', 'c-1').execute();
    expect(unchanged).to.deep.equal([]);
    expect(await audited('operator.refused')).to.deep.include({
      actor_id: 'vera',
      code: 'AUT_ROLE',
      decision: '403 to POST /api/v1/enrolment/import: this needs the role operator; vera has viewer',
    });
  });

  it('keeps the name of a consumer out of every record', async () => {
    const name = 'Gertrud Musterfrau';
    await post('/import', { consumers: [{ consumerId: 'c-2', kind: 'business', name }] });
    const listed = (await get('/consumers')).body.consumers;
    expect(listed.find((one: { consumerId: string }) => one.consumerId === 'c-2')).to.deep.equal({
      ...{ consumerId: 'c-2', kind: 'business', name },
      devices: [],
    });
    expect(listed.some((one: { devices: string[] }) => one.devices.includes(derIdOf(0)))).to.equal(true);
    expect((await post('/consumers/c-2/forget', {}, 'vera')).status).to.equal(403);
    expect((await post('/consumers/c-2/forget', {})).status).to.equal(200);
    expect((await post('/consumers/c-9/forget', {})).status).to.equal(404);
    expect((await get('/consumers')).text).not.to.include('Gertrud');
    expect(JSON.stringify(await audited())).not.to.include('Gertrud');
    expect(await audited('enrolment.imported')).to.deep.include({
      actor_id: 'olga',
      code: undefined,
      decision: '0 programmes published, 1 consumers entered, 0 devices subscribed',
    });
  });

  const wrong: [string, object, number, RegExp][] = [
    ['other terms', { programmes: [{ ...STANDARD_PROGRAMME, title: 'Other' }] }, 409, /publish it under another id/],
    [
      'a programme nobody published',
      { subscriptions: [{ ...WHOLE.subscriptions[0], programmeId: 'none' }] },
      404,
      /no programme none/,
    ],
    [
      'a consumer nobody knows',
      { subscriptions: [{ ...WHOLE.subscriptions[0], consumerId: 'c-9' }] },
      404,
      /consumer c-9/,
    ],
    [
      'a device that is not there',
      { subscriptions: [{ ...WHOLE.subscriptions[0], derId: 'ev-9' }] },
      404,
      /device ev-9/,
    ],
    [
      'a device of another type',
      {
        programmes: [{ ...STANDARD_PROGRAMME, programmeId: 'heat', deviceTypes: ['heat-pump'] }],
        subscriptions: [{ ...WHOLE.subscriptions[0], programmeId: 'heat' }],
      },
      400,
      /not for a ev-charger/,
    ],
    [
      'a price in binary',
      { programmes: [{ ...STANDARD_PROGRAMME, reward: { kind: 'price', gbpPerKwh: 0.1 } }] },
      400,
      /reward/,
    ],
    ['an unknown member', { programs: [] }, 400, /programs/],
  ];
  for (const [name, document, status, message] of wrong)
    it(`refuses ${name}, and takes nothing of the document`, async () => {
      const whole = { ...document, consumers: [{ consumerId: 'c-3', kind: 'home' }] };
      const answer = await post('/import', whole);
      expect(answer.status).to.equal(status);
      expect(answer.body.error.message).to.match(message);
      expect(await db.selectFrom('consumer').select('kind').where('consumer_id', '=', 'c-3').execute()).to.deep.equal(
        [],
      );
      expect((await get('/programmes')).body.programmes).to.have.length(1);
    });

  it('a start does not take back what was decided since, unless its configuration is another one', async function () {
    thorough.call(this);
    const ended = await post(`/devices/${derIdOf(0)}/unsubscribe`, { reason: 'moved away' });
    expect(ended.status).to.equal(200);
    expect(ended.body.history[0]).to.include({ subject: 'subscription', by: 'olga', reason: 'moved away' });
    expect(ended.body.history.map((one: { by: string }) => one.by)).to.deep.equal([
      'olga',
      'configuration',
      'portfolio',
    ]);
    expect((await exclusions())[0]).to.equal('not-subscribed');
    await startAgain();
    expect((await exclusions())[0]).to.equal('not-subscribed');
    const other = { ...STANDARD_PROGRAMME, programmeId: 'other' };
    const enrolment = enrolledOnce(portfolioOf(DERS), other);
    await startAgain({}, { enrolment });
    expect(await exclusions()).to.deep.equal([null, null, null]);
  });

  it('history is added to and never changed, by nobody', async () => {
    for (const statement of [
      `update enrolment_change set reason = 'another'`,
      'delete from enrolment_change',
      'truncate consent_answer',
      `update programme set programme = '{}'`,
    ]) {
      const failure = await sql
        .raw(statement)
        .execute(db)
        .then(
          () => undefined,
          (error: Error) => error.message,
        );
      expect(failure, statement).to.match(/never changed or removed/);
    }
  });

  type Entry = { event_type: string; actor_id?: string; code?: string; decision?: string };
  /** Sealed and waiting records. */
  async function audited(type?: string) {
    const { rows } = await sql<{ text: string }>`
      select record::text as text from audit_record`.execute(db);
    const entries = rows.map(({ text }) => JSON.parse(text) as Entry);
    return entries
      .filter((entry) => type === undefined || entry.event_type === type)
      .map(({ actor_id, code, decision }) => ({ actor_id, code, decision }));
  }
});
