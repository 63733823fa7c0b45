import { expect } from 'chai';
import { systemWallClock } from '../../clock.ts';
import { createLogger } from '../../logging.ts';
import { BrokerAwayError } from './connection.ts';
import { connectPatiently } from './patient.ts';
import type { BusClient, BusConnectOptions, DeviceBus } from './port.ts';

const LOGIN: BusConnectOptions = { clientId: 'a', username: 'a', password: 'a' };

describe('a connection to a broker that may be away', () => {
  /** Each attempt fails with the next of these; then it connects. */
  function busThat(...failures: Error[]) {
    const calls: string[] = [];
    const client = {
      connected: true,
      async publish(topic: string) {
        calls.push(`publish ${topic}`);
      },
      async subscribe(filter: string) {
        calls.push(`subscribe ${filter}`);
      },
      async close() {
        calls.push('close');
      },
    } as unknown as BusClient;
    const bus: DeviceBus = {
      kind: 'mqtt',
      url: 'mqtt://broker.example',
      async connect() {
        calls.push('connect');
        const failure = failures.shift();
        if (failure) throw failure;
        return client;
      },
    };
    return { bus, calls };
  }
  /** Pauses end when they are told to. */
  function world() {
    const pauses: (() => void)[] = [];
    const said: string[] = [];
    const wall = {
      ...systemWallClock(),
      sleep: (_ms: number, signal?: AbortSignal) =>
        new Promise<void>((resolve, reject) => {
          pauses.push(resolve);
          signal?.addEventListener('abort', () => reject(signal.reason));
        }),
    };
    const log = createLogger('test', 'silent');
    Object.assign(log, { warn: (_of: object, text: string) => void said.push(text) });
    const pauseOver = async () => {
      pauses.shift()!();
      await new Promise((resolve) => setImmediate(resolve));
    };
    return { deps: { wall, log }, pauseOver, said };
  }
  const away = (why = 'no answer') => new BrokerAwayError(why);

  it('is there at once when the broker is', async () => {
    const { bus, calls } = busThat();
    const client = await connectPatiently(bus, LOGIN, world().deps);
    expect(client.state).to.deep.equal({ ok: true, detail: 'connected' });
    await client.subscribe('x', () => {});
    expect(calls).to.deep.equal(['connect', 'subscribe x']);
  });

  it('says why it is not, subscribes when the broker comes, and says the same thing once', async () => {
    const { bus, calls } = busThat(away(), away(), away('no route'), away('no route'));
    const { deps, pauseOver, said } = world();
    const client = await connectPatiently(bus, LOGIN, deps);
    expect(client.state).to.deep.equal({ ok: false, detail: 'no answer' });
    await client.subscribe('x', () => {});
    const refused = await client.publish('t', 'p').catch((error: Error) => error.message);
    expect(refused).to.equal('no answer');
    for (let attempt = 0; attempt < 4; attempt++) await pauseOver();
    expect(said).to.deep.equal(['started without the broker: not ready until it comes', 'still without the broker']);
    expect(client.state.ok).to.equal(true);
    await client.publish('t', 'p');
    expect(calls.slice(-2)).to.deep.equal(['subscribe x', 'publish t']);
    await client.close();
    expect(calls.at(-1)).to.equal('close');
  });

  it('is an error where the broker says no: waiting would not help', async () => {
    const { bus } = busThat(new Error('refused the connection'));
    const error = await connectPatiently(bus, LOGIN, world().deps).catch((reason: Error) => reason);
    expect((error as Error).message).to.equal('refused the connection');
  });

  it('asks no more once it is closed', async () => {
    const { bus, calls } = busThat(away(), away());
    const { deps } = world();
    const client = await connectPatiently(bus, LOGIN, deps);
    await client.close();
    await new Promise((resolve) => setImmediate(resolve));
    expect(calls).to.deep.equal(['connect']);
  });
});
