import { type Person, personOf, tokenSha256 } from '@flexder/runtime/access/people.ts';
import { expect } from 'chai';
import express from 'express';
import request from 'supertest';
import { DSO, type Opened, opened, seedOrder } from '../../audit-settlement/fixtures/opened.ts';
import type { BapConfig } from '../../config.ts';
import { SIGN_INS } from '../limits.ts';
import { createOperatorApi, type OperatorApi } from '../router.ts';
import { CSRF_HEADER } from './guard.ts';

const TOKENS = { viewer: 'token-of-vera', operator: 'token-of-olga', admin: 'token-of-ada' };
const PEOPLE: Person[] = [
  { name: 'vera', role: 'viewer', tokenSha256: tokenSha256(TOKENS.viewer) },
  { name: 'olga', role: 'operator', tokenSha256: tokenSha256(TOKENS.operator) },
  { name: 'ada', role: 'admin', tokenSha256: tokenSha256(TOKENS.admin) },
];

const nothing = async () => {
  throw new Error('not in this test');
};
const NO_HANDS = {
  ...{
    decide: nothing,
    buy: nothing,
    release: nothing,
    restrict: nothing,
    ask: nothing,
    restrictDer: nothing,
    noRoomFor: () => undefined,
  },
  changeOrder: nothing,
};

describe('access to the operator API', () => {
  let dso: Opened;
  let api: OperatorApi;
  let app: express.Express;
  let cancelled: { obpId: string; by: string; reason: string }[] = [];
  let changes: object[] = [];
  let databaseIsAway = false;

  function serve(viewing: BapConfig['viewing'], more: Partial<BapConfig> = {}): void {
    const config = { ...dso.config, subscriberId: DSO, viewing, operators: PEOPLE, ...more } as unknown as BapConfig;
    api = createOperatorApi({
      ...{ ...dso, config, feeders: () => [] },
      participant: Object.create(dso.participant, {
        subscribers: { value: async () => [{ subscriberId: 'aggregator-1' }] },
        awayCounterparties: { value: () => [] },
      }),
      hands: {
        ...NO_HANDS,
        async changeOrder(obpId, wanted, { by }) {
          changes.push({ obpId, wanted, by });
          return { changeId: 'change-1' };
        },
        async cancelOrder(obpId, { by, reason }) {
          if (databaseIsAway) throw new Error('the database is away');
          cancelled.push({ obpId, by, reason });
          return { state: 'CANCELLING' };
        },
      },
    });
    app = express().use(api);
  }
  before(async () => {
    dso = await opened();
    await seedOrder(dso.db, { obpId: 'obp-run', state: 'IN_PROGRESS' });
    await seedOrder(dso.db, { obpId: 'obp-over', state: 'COMPLETED' });
  });
  beforeEach(() => {
    [cancelled, changes] = [[], []];
    serve('login');
  });
  afterEach(() => api.close());
  after(() => dso.close());

  const bearer = (role: keyof typeof TOKENS) => `Bearer ${TOKENS[role]}`;
  const signIn = (token: string) => request(app).post('/api/v1/session').send({ token });
  const wanted = { kind: 'cancel-order', obp_id: 'obp-run', reason: 'the crew is on the line' };
  async function refusals(): Promise<{ actor: string; code: string; decision: string }[]> {
    await dso.participant.audit.sealNow();
    const rows = await dso.db
      .selectFrom('audit_record' as never)
      .select('record' as never)
      .execute();
    return (rows as { record: Record<string, string> }[])
      .map(({ record }) => record)
      .filter((record) => record.event_type === 'operator.refused')
      .map((record) => ({ actor: record.actor_id!, code: record.code!, decision: record.decision! }));
  }

  it('nobody looks without signing in, unless the sandbox is open to view', async () => {
    const closed = await request(app).get('/api/v1/orders');
    expect([closed.status, closed.body.error.code]).to.deep.equal([401, 'AUT_SIGN_IN']);
    expect(closed.headers['www-authenticate']).to.match(/^Bearer/);
    expect((await request(app).get('/api/v1/orders').set('authorization', bearer('viewer'))).status).to.equal(200);
    await api.close();
    serve('open');
    expect((await request(app).get('/api/v1/orders')).status).to.equal(200);
    expect((await request(app).get('/api/v1/session')).body).to.deep.equal({ name: null, role: 'viewer' });
  });

  it('nobody looks without signing in under a name that is not ours: a page of a stranger may have it', async () => {
    await api.close();
    serve('open', { publicUrl: 'https://grid.example.org' });
    const under = (host: string) => request(app).get('/api/v1/orders').set('host', host);
    expect((await under('grid.example.org')).status).to.equal(200);
    const { status, body } = await under('rebound.example.com:4000');
    expect([status, body.error.code]).to.deep.equal([401, 'AUT_SIGN_IN']);
    expect((await request(app).get('/api/v1/session').set('host', 'rebound.example.com')).body.role).to.equal(null);
  });

  it('a token that nobody has is refused like none', async () => {
    for (const token of [
      'Bearer x',
      'Basic dmVyYTp4',
      `Bearer ${'a'.repeat(5_000)}`,
      `Bearer ${PEOPLE[0]!.tokenSha256}`,
    ]) {
      const { status, body } = await request(app).get('/api/v1/orders').set('authorization', token);
      expect([status, body.error.code], token.slice(0, 20)).to.deep.equal([401, 'AUT_SIGN_IN']);
    }
  });

  it('a person is found by the token, not by its hash', () => {
    expect(personOf(PEOPLE, TOKENS.admin)?.name).to.equal('ada');
    expect(personOf(PEOPLE, PEOPLE[2]!.tokenSha256)).to.equal(undefined);
  });

  it('a viewer looks and does nothing; the refusal is on record with the name', async () => {
    const { status, body } = await request(app)
      .post('/api/v1/actions')
      .set('authorization', bearer('viewer'))
      .send(wanted);
    expect([status, body.error.code]).to.deep.equal([403, 'AUT_ROLE']);
    expect(body.error.message).to.include('operator').and.include('vera');
    expect(await refusals()).to.deep.include({
      actor: 'vera',
      code: 'AUT_ROLE',
      decision: '403 to POST /api/v1/actions: this needs the role operator; vera has viewer',
    });
    expect(cancelled).to.deep.equal([]);
  });

  it('an operator sees the effect first, and confirms it once', async () => {
    const as = (path: string) => request(app).post(path).set('authorization', bearer('operator'));
    const proposed = await as('/api/v1/actions').send(wanted);
    expect(proposed.status).to.equal(201);
    expect(proposed.body.effect.order).to.include({ obpId: 'obp-run', state: 'IN_PROGRESS' });
    expect(cancelled).to.deep.equal([]);
    const path = `/api/v1/actions/${proposed.body.actionId}/confirm`;
    for (const times of [1, 2]) {
      const { status, body } = await as(path).send({ token: proposed.body.confirmToken });
      expect([status, body.state], `${times}`).to.deep.equal([200, 'CANCELLING']);
    }
    expect(cancelled).to.deep.equal([{ obpId: 'obp-run', by: 'olga', reason: wanted.reason }]);
  });

  it('what failed is confirmed again, as nothing was cancelled', async () => {
    const as = (path: string) => request(app).post(path).set('authorization', bearer('operator'));
    const { body } = await as('/api/v1/actions').send(wanted);
    const path = `/api/v1/actions/${body.actionId}/confirm`;
    databaseIsAway = true;
    expect((await as(path).send({ token: body.confirmToken })).status).to.equal(500);
    databaseIsAway = false;
    expect(cancelled).to.deep.equal([]);
    expect((await as(path).send({ token: body.confirmToken })).status).to.equal(200);
    expect(cancelled).to.have.length(1);
  });

  it('without its token, with another’s, or for another person, nothing is confirmed', async () => {
    const as = (role: keyof typeof TOKENS, path: string) => request(app).post(path).set('authorization', bearer(role));
    const one = await as('operator', '/api/v1/actions').send(wanted);
    const two = await as('operator', '/api/v1/actions').send(wanted);
    const path = `/api/v1/actions/${one.body.actionId}/confirm`;
    const missing = await as('operator', path).send({});
    expect([missing.status, missing.body.error.parameter]).to.deep.equal([400, 'token']);
    for (const [role, token] of [
      ['operator', two.body.confirmToken],
      ['admin', one.body.confirmToken],
    ] as const) {
      const { status, body } = await as(role, path).send({ token });
      expect([status, body.error.code]).to.deep.equal([403, 'ACT_NOT_CONFIRMED']);
    }
    expect(cancelled).to.deep.equal([]);
    expect((await as('operator', path).send({ token: one.body.confirmToken })).status).to.equal(200);
  });

  it('a change of an order shows before and after, and takes kW and instants alone', async () => {
    const as = (path: string, body: object) =>
      request(app).post(path).set('authorization', bearer('operator')).send(body);
    const about = { obp_id: 'obp-run', reason: 'less is needed' };
    const kw = await as('/api/v1/actions', { ...about, kind: 'change-kw', kw: '42.5' });
    expect(kw.body.effect).to.deep.include({ kw: { from: 60, to: 42.5 }, feederId: 'feeder-1' });
    const instants = { start_at: '2026-01-15T17:00:00Z', end_at: '2026-01-15T17:30:00Z' };
    const window = await as('/api/v1/actions', { ...about, kind: 'change-window', ...instants });
    const to = { startMs: Date.parse(instants.start_at), endMs: Date.parse(instants.end_at) };
    expect(window.body.effect.window.to).to.deep.equal(to);
    expect(changes).to.deep.equal([]);
    for (const { body } of [kw, window])
      expect((await as(`/api/v1/actions/${body.actionId}/confirm`, { token: body.confirmToken })).body).to.include({
        changeId: 'change-1',
      });
    expect(changes).to.deep.equal([
      { obpId: 'obp-run', wanted: { kw: 42.5 }, by: 'olga' },
      { obpId: 'obp-run', wanted: { window: to }, by: 'olga' },
    ]);
    const refused: [object, string][] = [
      [{ kind: 'change-kw', kw: '-1' }, 'kw'],
      [{ kind: 'change-kw', kw: '10', obp_id: 'obp-over' }, 'obp_id'],
      [{ kind: 'change-window', start_at: 'soon', end_at: instants.end_at }, 'start_at'],
      [{ kind: 'change-window', start_at: instants.end_at, end_at: instants.start_at }, 'end_at'],
    ];
    for (const [wrong, parameter] of refused) {
      const { status, body } = await as('/api/v1/actions', { ...about, ...wrong });
      expect([status, body.error.parameter], JSON.stringify(wrong)).to.deep.equal([400, parameter]);
    }
  });

  it('what cannot be cancelled, or is not explained, is not even proposed', async () => {
    const rows: [object, string][] = [
      [{ ...wanted, obp_id: 'obp-over' }, 'obp_id'],
      [{ ...wanted, obp_id: 'nobody' }, 'obp_id'],
      [{ ...wanted, kind: 'format-disk' }, 'kind'],
      [{ ...wanted, reason: '  ' }, 'reason'],
      [{ ...wanted, reason: 'x'.repeat(501) }, 'reason'],
      [{ ...wanted, role: 'admin' }, 'role'],
      [{ kind: 'exclude-bpp', bpp_id: 'agregator-1', reason: wanted.reason }, 'bpp_id'],
      [{ kind: 'approve-option', event_id: 'event-9', option: 'low', reason: wanted.reason }, 'event_id'],
      [{ kind: 'buy-relief', event_id: 'event-1', kw: '-5', reason: wanted.reason }, 'event_id'],
    ];
    for (const [body, parameter] of rows) {
      const answer = await request(app).post('/api/v1/actions').set('authorization', bearer('operator')).send(body);
      expect([answer.status, answer.body.error.parameter], JSON.stringify(body).slice(0, 80)).to.deep.equal([
        400,
        parameter,
      ]);
    }
  });

  describe('of a browser', () => {
    async function browser(token: string) {
      const answer = await signIn(token);
      expect(answer.status).to.equal(201);
      const [cookie] = answer.headers['set-cookie'] as unknown as string[];
      return { cookie: cookie!.split(';')[0]!, whole: cookie!, csrf: answer.body.csrf as string };
    }

    it('the cookie is for this API alone and no script reads it', async () => {
      const { whole } = await browser(TOKENS.operator);
      expect(whole)
        .to.match(/HttpOnly/)
        .and.match(/SameSite=Strict/)
        .and.match(/Path=\/api/);
    });

    it('changes nothing without the token that another page cannot read', async () => {
      const { cookie, csrf } = await browser(TOKENS.operator);
      const post = () => request(app).post('/api/v1/actions').set('cookie', cookie);
      const forged = await post().send(wanted);
      expect([forged.status, forged.body.error.code]).to.deep.equal([403, 'AUT_CSRF']);
      const wrong = await post().set(CSRF_HEADER, `${csrf}x`).send(wanted);
      expect([wrong.status, wrong.body.error.code]).to.deep.equal([403, 'AUT_CSRF']);
      const foreign = await post().set(CSRF_HEADER, csrf).set('origin', 'https://evil.example').send(wanted);
      expect([foreign.status, foreign.body.error.code]).to.deep.equal([403, 'AUT_CSRF']);
      const form = await post().set(CSRF_HEADER, csrf).type('form').send(wanted);
      expect(form.status).to.equal(415);
      expect((await post().set(CSRF_HEADER, csrf).send(wanted)).status).to.equal(201);
      expect((await refusals()).filter(({ actor, code }) => actor === 'olga' && code === 'AUT_CSRF')).to.have.lengthOf(
        3,
      );
    });

    it('signing out ends it', async () => {
      const { cookie, csrf } = await browser(TOKENS.viewer);
      const look = () => request(app).get('/api/v1/orders').set('cookie', cookie);
      expect((await look()).status).to.equal(200);
      expect((await request(app).delete('/api/v1/session').set('cookie', cookie)).status).to.equal(403);
      expect(
        (await request(app).delete('/api/v1/session').set('cookie', cookie).set(CSRF_HEADER, csrf)).status,
      ).to.equal(204);
      expect((await look()).status).to.equal(401);
    });

    it('guessing is slowed down', async () => {
      const codes: number[] = [];
      for (let i = 0; i <= SIGN_INS; i++) codes.push((await signIn(`guess-${i}`)).status);
      expect(codes.slice(0, SIGN_INS).every((code) => code === 401)).to.equal(true);
      expect(codes.at(-1)).to.equal(429);
    });
  });
});
