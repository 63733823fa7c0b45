import { BrokerAwayError } from '@flexder/runtime/engines/bus/connection.ts';
import type { DeviceBus } from '@flexder/runtime/engines/bus/port.ts';
import { thorough } from '@flexder/runtime/testing/thorough.ts';
import { expect } from 'chai';
import { openBench } from './testing/bench.ts';

it('an aggregator starts without its broker, says that it is not ready and why, and hears devices once it has come', async function () {
  thorough.call(this);
  this.timeout(30_000);
  const bench = await openBench({ ders: 2 });
  const { engines } = bench.context;
  let isThere = false;
  const bus: DeviceBus = {
    ...{ kind: 'mqtt', url: engines.bus.url },
    connect: async (options) => {
      if (!isThere) throw new BrokerAwayError('no MQTT broker there');
      return engines.bus.connect(options);
    },
  };
  const service = await bench.start({ engines: { ...engines, bus } });
  const ready = async () => {
    const response = await fetch(`${service.url}/health/ready`);
    return { status: response.status, body: (await response.json()) as Awaited<ReturnType<typeof service.health>> };
  };
  const online = async () => (await ready()).body.dependencies.portfolio?.detail;
  try {
    const away = await ready();
    expect(away.status).to.equal(503);
    expect(away.body.dependencies.bus).to.include({ ok: false, detail: 'no MQTT broker there' });
    const others = Object.entries(away.body.dependencies).filter(([name]) => name !== 'bus');
    expect(
      others.filter(([, { ok }]) => !ok),
      'that alone',
    ).to.deep.equal([]);
    await bench.report();
    expect(await online()).to.contain('0 of 2 devices online');
    isThere = true;
    await bench.until('the broker', async () => (await ready()).status === 200);
    await bench.report();
    await bench.until('the devices', async () => (await online())!.startsWith('2 of 2'));
  } finally {
    await service.close();
    await bench.close();
  }
});
