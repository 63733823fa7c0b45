import type { DerId } from '@flexder/protocol/beckn/identifiers.ts';
import type { BusClient, DeviceBus } from '@flexder/runtime/engines/bus/port.ts';
import { thorough } from '@flexder/runtime/testing/thorough.ts';
import { expect } from 'chai';
import { enrolledOnce } from '../enrolment/document.ts';
import { startAggregator } from '../main.ts';
import { type Bench, openBench } from '../testing/bench.ts';

describe('the rehearsal of an aggregator', () => {
  let bench: Bench;
  const wired = () => bench.fleet.received.map(({ der_id, type }) => `${der_id} ${type}`);
  /** With a bus of which one thing is different. */
  const started = (change: Partial<BusClient> = {}, portfolio = bench.config.portfolio) => {
    const { engines } = bench.context;
    const bus: DeviceBus = {
      ...{ kind: engines.bus.kind, url: engines.bus.url },
      connect: async (options) => Object.assign(await engines.bus.connect(options), change),
    };
    const config = { ...bench.config, portfolio, enrolment: enrolledOnce(portfolio) };
    return startAggregator({ ...bench.context, engines: { ...engines, bus } }, config, { rehearses: true });
  };
  before(async () => {
    bench = await openBench({ ders: 3 });
  });
  after(() => bench.close());
  beforeEach(async () => {
    bench.fleet.received.splice(0);
    await bench.crash();
  });

  it('sends as many commands as there are devices to nobody, and leaves neither row nor count', async () => {
    const service = await started();
    await bench.until('the commands', () => wired().length === 3);
    expect(wired()).to.deep.equal(Array.from({ length: 3 }, () => 'rehearsal RELEASE'));
    expect(bench.context.metrics.total('commands_sent')).to.equal(0);
    await service.close();
  });

  it('does not keep an aggregator from starting whose broker takes nothing', async () => {
    const refuse = () => Promise.reject(new Error('quota exceeded'));
    const service = await started({ publish: refuse });
    expect((await service.health()).ready).to.equal(true);
    await service.close();
  });

  describe('is not done', () => {
    before(thorough);

    it('unless it is asked for', async () => {
      const service = await bench.start();
      await bench.settle();
      expect(wired()).to.deep.equal([]);
      await service.close();
    });

    it('where a device has the name that nobody has', async () => {
      const [one, ...others] = bench.config.portfolio;
      const service = await started({}, [{ ...one!, derId: 'rehearsal' as DerId }, ...others]);
      await bench.settle();
      expect(wired()).to.deep.equal([]);
      await service.close();
    });
  });
});
