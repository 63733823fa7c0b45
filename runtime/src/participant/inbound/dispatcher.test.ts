import { expect } from 'chai';
import type { Context } from '../../context.ts';
import { createMetrics } from '../../metrics.ts';
import { testDeps } from '../../testing/quiet.ts';
import { BACKLOG_AGE_MS, BACKLOG_MESSAGES, HANDLERS_AT_ONCE } from '../limits.ts';
import type { InboundMessage, ParticipantConfig } from '../types.ts';
import type { Transactor } from '../unit-of-work.ts';
import { createDispatcher } from './dispatcher.ts';

/** A dispatcher whose handlers wait until they are let go; nothing is stored. */
function openDispatcher() {
  let [aheadMs, setAheadMs] = [0, 0];
  let release = () => {};
  const free = new Promise<void>((resolve) => {
    release = resolve;
  });
  const handled: string[] = [];
  let [atWork, mostAtWork] = [0, 0];
  const deps = testDeps();
  const wall = {
    ...deps.wall,
    nowMs: () => deps.wall.nowMs() + aheadMs + setAheadMs,
    monotonicMs: () => deps.wall.monotonicMs() + aheadMs,
  };
  const transactor = {
    async transact(_body: unknown, { handled: message }: { handled: InboundMessage }) {
      handled.push(message.body.context.message_id);
    },
  } as unknown as Transactor;
  const dispatcher = createDispatcher({
    context: { ...deps, wall, metrics: createMetrics('test') } as unknown as Context,
    config: { subscriberId: 'bpp.example', type: 'BPP' } as unknown as ParticipantConfig,
    db: undefined as never,
    transactor,
    handlers: { status: async () => {} },
    hooks: { onUndelivered: async () => {} },
    shared: false,
    async warm() {
      mostAtWork = Math.max(mostAtWork, ++atWork);
      await free;
      atWork--;
    },
  });
  const dispatch = (id: number) =>
    dispatcher.dispatch({
      action: 'status',
      signerId: 'bap.example',
      body: { context: { transaction_id: `t-${id}`, message_id: `m-${id}` } },
    } as unknown as InboundMessage);
  return {
    ...{ dispatcher, dispatch, handled, release: () => release() },
    mostAtWork: () => mostAtWork,
    skip: (ms: number) => {
      aheadMs += ms;
    },
    setClock: (ms: number) => {
      setAheadMs += ms;
    },
  };
}

describe('the dispatcher of acknowledged messages', () => {
  it('promises nothing more with a full backlog, keeps what it promised, and goes on after it', async () => {
    const { dispatcher, dispatch, handled, release, mostAtWork } = openDispatcher();
    for (let i = 0; i < BACKLOG_MESSAGES; i++) {
      expect(dispatcher.accepting()).to.equal(true);
      dispatch(i);
    }
    expect(dispatcher.accepting()).to.equal(false);
    expect(dispatcher.size).to.equal(BACKLOG_MESSAGES);
    await new Promise(setImmediate);
    expect(handled).to.deep.equal([]);
    release();
    await dispatcher.idle();
    expect(new Set(handled).size).to.equal(BACKLOG_MESSAGES);
    expect(handled).to.have.lengthOf(BACKLOG_MESSAGES);
    expect(mostAtWork()).to.equal(HANDLERS_AT_ONCE);
    expect(dispatcher.accepting()).to.equal(true);
  });

  it('promises nothing more while one message has waited for longer than the usual time-to-live allows', async () => {
    const { dispatcher, dispatch, release, skip } = openDispatcher();
    dispatch(1);
    skip(BACKLOG_AGE_MS - 1_000);
    expect(dispatcher.accepting()).to.equal(true);
    skip(1_000);
    expect(dispatcher.accepting()).to.equal(false);
    release();
    await dispatcher.idle();
    expect(dispatcher.accepting()).to.equal(true);
  });

  it('takes no message for old because the clock was set', async () => {
    const { dispatcher, dispatch, release, setClock } = openDispatcher();
    dispatch(1);
    setClock(2 * BACKLOG_AGE_MS);
    expect(dispatcher.accepting()).to.equal(true);
    release();
    await dispatcher.idle();
  });
});
