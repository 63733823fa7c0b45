import { expect } from 'chai';
import { answerOf, newTransaction, statusTo, tablesOf, until, usePair } from './testing/pair.ts';

describe('messages that are not answered, or not at once', () => {
  const pair = usePair();

  it('tries a failing handler again', async () => {
    let failures = 2;
    pair.behaviour = async (work, message) => {
      if (failures-- > 0) throw new Error('not yet');
      await answerOf(work, message);
    };
    await pair.bap.participant.transact((work) => work.send(statusTo(pair.bpp, newTransaction())));
    await pair.settled();
    expect([pair.requests.length, pair.answers.length]).to.deep.equal([3, 1]);
  });

  it('gives up on a handler that keeps failing: alarm, record, and an error to who asked', async () => {
    pair.behaviour = async () => {
      throw new Error('never');
    };
    const transaction = newTransaction();
    await pair.bap.participant.transact((work) => work.send(statusTo(pair.bpp, transaction)));
    await pair.settled();
    expect(pair.requests).to.have.length(5);
    expect(pair.answers.map(({ body }) => body.error?.code)).to.deep.equal(['INTERNAL']);
    expect(pair.bpp.context.metrics.total('handled', { result: 'failed' })).to.equal(1);
    const told = (await pair.bpp.participant.audit.byTransaction(transaction)).map((r) => r.event_type);
    expect(told).to.deep.equal(['beckn.failed', 'beckn.sent']);
  });

  it('tells the service of a message that was refused or had nobody to go to', async () => {
    const transaction = newTransaction();
    await pair.bap.participant.transact(async (work) => {
      await work.send({ ...statusTo(pair.bpp, transaction), message: { order_id: '' } });
      await work.send({ ...statusTo(pair.bpp, transaction), to: 'nobody.example' as never });
    });
    await until('both closed', () => pair.undelivered.length === 2);
    expect(pair.undelivered.map(({ reason, status }) => [reason, status]).sort()).to.deep.equal([
      ['nack', 400],
      ['unknown-subscriber', undefined],
    ]);
    const rows = await tablesOf(pair.bap)
      .selectFrom('outbox')
      .select('error')
      .where('failed_at', 'is not', null)
      .execute();
    expect(rows.length).to.be.greaterThan(1);
  });

  it('delivers the messages of one transaction in order, over a fault', async () => {
    const order: string[] = [];
    let refusals = 2;
    const shaky = await pair.network.peer({ id: 'shaky.example', type: 'BPP' });
    await shaky.participant.serve(
      { status: async (_work, { body }) => void order.push(body.context.message_id) },
      pair.hooks,
    );
    const [serve] = shaky.server.server.listeners('request') as ((...args: unknown[]) => void)[];
    shaky.server.server.removeAllListeners('request').on('request', (request, response) => {
      if (refusals-- > 0) response.writeHead(503).end('{}');
      else serve?.(request, response);
    });
    const transaction = newTransaction();
    const ids: string[] = [];
    for (let i = 0; i < 4; i++)
      ids.push(await pair.bap.participant.transact((work) => work.send(statusTo(shaky, transaction))));
    await until('all there', () => order.length === 4);
    expect(order).to.deep.equal(ids);
  });

  it('does not let a hanging counterparty delay another', async () => {
    const hung = await pair.network.peer({ id: 'hung.example', type: 'BPP' });
    hung.server.server.removeAllListeners('request').on('request', () => {});
    await pair.bap.participant.transact(async (work) => {
      for (let i = 0; i < 20; i++) await work.send(statusTo(hung, newTransaction(), 1_500));
      for (let i = 0; i < 20; i++) await work.send(statusTo(pair.bpp, newTransaction()));
    });
    await until('the others are served', () => pair.requests.length === 20);
    expect(pair.undelivered).to.have.length(0);
    hung.server.server.closeAllConnections();
    await until('the hanging ones are closed', () => pair.undelivered.length === 20);
    expect(new Set(pair.undelivered.map(({ to }) => to))).to.deep.equal(new Set(['hung.example']));
  });
});
