import { expect } from 'chai';
import { deviceFilter, deviceTopic } from '../topics.ts';
import { AGGREGATOR, aggregator, type Bench, DEVICE, der, seen, text, wait } from './bench.ts';

/** Retained state, the Last Will, and a broker that goes away. */
export function presence(bench: Bench): void {
  const { as, raw } = bench;
  const state = deviceTopic(aggregator, der, 'state');
  const ack = deviceTopic(aggregator, der, 'ack');

  it('shows who comes later the retained message, marked as such', async () => {
    const dev = await as(DEVICE);
    await dev.publish(state, 'ONLINE', { retain: true });
    const agg = await as(AGGREGATOR);
    const states = seen();
    await agg.subscribe(deviceFilter(aggregator, 'state'), ({ topic, ...more }) => {
      if (topic === state) states.handler({ topic, ...more });
    });
    await states.until(1);
    await dev.publish(state, 'STILL', { retain: true });
    await states.until(2);
    expect(states.messages.map((message) => [text(message).split(' ')[1], message.retained])).to.deep.equal([
      ['ONLINE', true],
      ['STILL', false],
    ]);
  });

  it('says the Last Will of a device that vanished, and keeps it', async () => {
    const agg = await as(AGGREGATOR);
    const { client } = await raw(DEVICE, {
      will: { topic: state, payload: Buffer.from('OFFLINE'), qos: 1, retain: true },
    });
    const states = seen();
    const offline = ({ topic, payload, retained }: { topic: string; payload: Uint8Array; retained: boolean }) => {
      if (topic === state && Buffer.from(payload).toString() === 'OFFLINE')
        states.handler({ topic, payload, retained });
    };
    await agg.subscribe(deviceFilter(aggregator, 'state'), offline);
    client.stream.destroy();
    await states.until(1);
    const later = await as(AGGREGATOR);
    await later.subscribe(deviceFilter(aggregator, 'state'), offline);
    await states.until(2);
    expect(states.messages.map(({ retained }) => retained)).to.deep.equal([false, true]);
  });

  it('connects again and subscribes again after the broker went away, and publishes what it is given', async () => {
    const [agg, dev] = [await as(AGGREGATOR), await as(DEVICE)];
    const answers = seen();
    await agg.subscribe(deviceFilter(aggregator, 'ack'), answers.handler);
    await bench.under.restart();
    // The device may be back before the aggregator listens again: it says it until it is heard.
    for (let said = 0; answers.messages.length === 0; said++) {
      await dev.publish(ack, `n${said}`);
      await Promise.race([answers.until(1), wait(50)]);
    }
    expect(text(answers.messages[0]!)).to.match(/ack n\d+$/);
  });
}
