import { expect } from 'chai';
import type { Context } from '../../context.ts';
import { createMetrics } from '../../metrics.ts';
import { testDeps } from '../../testing/quiet.ts';
import { BACKLOG_AGE_MS, BACKLOG_MESSAGES, BACKLOG_WAIT_MS, HANDLERS_AT_ONCE } from '../limits.ts';
import type { InboundMessage, ParticipantConfig } from '../types.ts';
import type { Transactor } from '../unit-of-work.ts';
import { createDispatcher } from './dispatcher.ts';

/** A dispatcher whose handlers wait until they are let go; nothing is stored. */
function openDispatcher() {
  let [aheadMs, setAheadMs] = [0, 0];
  let release = () => {};
  let free = Promise.resolve();
  const hold = () => {
    free = new Promise<void>((resolve) => {
      release = resolve;
    });
  };
  hold();
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
    ...{ dispatcher, dispatch, handled, hold, release: () => release() },
    accepts: async () => (await dispatcher.admit(async () => 'stored')) === 'stored',
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
    const { dispatcher, dispatch, handled, release, mostAtWork, accepts } = openDispatcher();
    for (let i = 0; i < BACKLOG_MESSAGES; i++) {
      expect(await accepts()).to.equal(true);
      dispatch(i);
    }
    expect(await accepts()).to.equal(false);
    expect(dispatcher.size).to.equal(BACKLOG_MESSAGES);
    await new Promise(setImmediate);
    expect(handled).to.deep.equal([]);
    release();
    await dispatcher.idle();
    expect(new Set(handled).size).to.equal(BACKLOG_MESSAGES);
    expect(handled).to.have.lengthOf(BACKLOG_MESSAGES);
    expect(mostAtWork()).to.equal(HANDLERS_AT_ONCE);
    expect(await accepts()).to.equal(true);
  });

  it('promises nothing more while one message has waited for longer than the usual time-to-live allows', async () => {
    const { dispatcher, dispatch, release, skip, accepts } = openDispatcher();
    dispatch(1);
    skip(BACKLOG_AGE_MS - 1_000);
    expect(await accepts()).to.equal(true);
    skip(1_000);
    expect(await accepts()).to.equal(false);
    release();
    await dispatcher.idle();
    expect(await accepts()).to.equal(true);
  });

  it('promises nothing more than it can keep at the pace of late, and more once it is faster', async () => {
    const { dispatcher, dispatch, release, hold, skip, accepts } = openDispatcher();
    const takes = async (ms: number) => {
      hold();
      dispatch(-1);
      await new Promise(setImmediate);
      skip(ms);
      release();
      await dispatcher.idle();
    };
    await takes(1_000);
    hold();
    // Each place of a handler has so many before it.
    const most = HANDLERS_AT_ONCE * (BACKLOG_WAIT_MS / 1_000 + 1);
    for (let i = 0; i < most - 1; i++) dispatch(i);
    expect(await accepts()).to.equal(true);
    dispatch(most);
    expect(await accepts()).to.equal(false);
    release();
    await dispatcher.idle();
    expect(await accepts(), 'nothing is before it').to.equal(true);
    for (let i = 0; i < 40; i++) await takes(0);
    hold();
    for (let i = 0; i <= most; i++) dispatch(i);
    expect(await accepts(), 'faster').to.equal(true);
    release();
    await dispatcher.idle();
  });

  it('counts what is being stored: many who come at once find no more room than there is', async () => {
    const { dispatcher, dispatch, release } = openDispatcher();
    for (let i = 0; i < BACKLOG_MESSAGES - 2; i++) dispatch(i);
    const stored = () => new Promise<string>((resolve) => setImmediate(() => resolve('stored')));
    const said = await Promise.all(Array.from({ length: 5 }, () => dispatcher.admit(stored)));
    expect(said).to.deep.equal(['stored', 'stored', undefined, undefined, undefined]);
    release();
    await dispatcher.idle();
  });

  it('takes no message for old because the clock was set', async () => {
    const { dispatcher, dispatch, release, setClock, accepts } = openDispatcher();
    dispatch(1);
    setClock(2 * BACKLOG_AGE_MS);
    expect(await accepts()).to.equal(true);
    release();
    await dispatcher.idle();
  });
});
