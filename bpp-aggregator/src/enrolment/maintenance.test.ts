import { tokenSha256 } from '@flexder/runtime/access/people.ts';
import { thorough } from '@flexder/runtime/testing/thorough.ts';
import { expect } from 'chai';
import request from 'supertest';
import { LIMITS } from '../limits.ts';
import type { AggregatorService } from '../main.ts';
import { type Bench, openBench } from '../testing/bench.ts';
import { derIdOf, feederOf } from '../testing/portfolio.ts';
import { buy, reports } from '../testing/purchase.ts';
import type { Buyer } from '../testing/world.ts';

const TOKEN = 'token-of-olga-the-operator';
const OPERATORS = [{ name: 'olga', role: 'operator' as const, tokenSha256: tokenSha256(TOKEN) }];
const MINUTE_MS = 60_000;

describe('devices that do not answer', function () {
  this.timeout(60_000);
  let bench: Bench;
  let service: AggregatorService;
  let buyer: Buyer;
  let hours = 1;

  before(async () => {
    bench = await openBench({ ders: 2, settings: { operators: OPERATORS, maxEventsPerDay: 48, answerDeadlineS: 5 } });
    service = await bench.start();
    buyer = bench.world.bap('dso-1');
  });
  after(async () => {
    await service?.close();
    await bench?.close();
  });

  /** Both devices are asked for a quarter of an hour of another hour; the first answers or not. */
  async function event(firstAnswers: boolean) {
    bench.fleet.behave = (_command, index) => (index > 0 || firstAnswers ? {} : undefined);
    await bench.report();
    const startMs = bench.grid.nowMs() + hours++ * 60 * MINUTE_MS;
    const ask = { feeder: feederOf(0), kw: 100, window: { startMs, endMs: startMs + 15 * MINUTE_MS } };
    const { transactionId } = await buy(bench, buyer, ask);
    await bench.settle();
    await bench.advance(bench.grid.nowMs() + 10_000);
    await bench.until('closed answers', () =>
      reports(bench, transactionId).some((report) => report.dispatch?.closed === true),
    );
  }
  const api = (path: string) => request(service.url).get(`/api/v1/enrolment${path}`).set(as());
  const as = () => ({ authorization: `Bearer ${TOKEN}` });
  const flagged = async () => (await api('/maintenance')).body.devices.map((one: { derId: string }) => one.derId);
  const excluded = async () => {
    await bench.report();
    const { body } = await request(service.url).get('/api/v1/portfolio');
    return body.feeders[0].ders.map((der: { excluded: string | null }) => der.excluded);
  };
  const gauge = async () => /flexder_ders_in_maintenance\S* (\d+)/.exec(await bench.context.metrics.text())?.[1];

  it('are flagged after so many in a row, offered no longer, and restored by hand with a reason', async function () {
    thorough.call(this);
    for (let i = 1; i < LIMITS.unansweredBeforeMaintenance; i++) await event(false);
    // One answer, and the count begins again.
    await event(true);
    for (let i = 1; i < LIMITS.unansweredBeforeMaintenance; i++) await event(false);
    expect(await flagged()).to.deep.equal([]);
    expect(await gauge()).to.equal('0');
    await event(false);
    expect(await flagged()).to.deep.equal([derIdOf(0)]);
    expect(await excluded()).to.deep.equal(['maintenance', null]);
    expect(await gauge()).to.equal('1');
    const { body: shown } = await request(service.url).get('/api/v1/view/maintenance');
    expect(shown).to.deep.equal((await api('/maintenance')).body);

    const restore = (index: number, body: object) =>
      request(service.url)
        .post(`/api/v1/enrolment/devices/${derIdOf(index)}/restore`)
        .set(as())
        .send(body);
    expect((await restore(0, {})).status).to.equal(400);
    expect((await restore(1, { reason: 'a new router' })).status).to.equal(409);
    expect((await restore(0, { reason: 'a new router' })).status).to.equal(200);
    expect(await flagged()).to.deep.equal([]);
    expect(await excluded()).to.deep.equal([null, null]);
    expect(await gauge()).to.equal('0');
    const { history, unansweredInARow } = (await api(`/devices/${derIdOf(0)}`)).body;
    expect(unansweredInARow).to.equal(0);
    expect(history.slice(0, 2).map((one: { by: string; reason: string }) => [one.by, one.reason])).to.deep.equal([
      ['olga', 'a new router'],
      ['aggregator', `${LIMITS.unansweredBeforeMaintenance} activations in a row unanswered`],
    ]);
  });
});
