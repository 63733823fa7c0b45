import { expect } from 'chai';
import { deviceFilter, deviceTopic, feederFilter, feederTopic } from '../topics.ts';
import { AGGREGATOR, aggregator, type Bench, DEVICE, der, dso, feeder, seen, text } from './bench.ts';

/** Messages reach whom they are for, whole and in order. */
export function carrying({ as, raw }: Bench): void {
  const command = deviceTopic(aggregator, der, 'cmd');

  it('carries a command to its device and the answer back', async () => {
    const [agg, dev] = [await as(AGGREGATOR), await as(DEVICE)];
    const [commands, answers] = [seen(), seen()];
    await dev.subscribe(command, commands.handler);
    await agg.subscribe(deviceFilter(aggregator, 'ack'), answers.handler);
    await agg.publish(command, '{"a":"✓"}');
    await commands.until(1);
    await dev.publish(deviceTopic(aggregator, der, 'ack'), 'done');
    await answers.until(1);
    expect(commands.messages.map(text)).to.deep.equal([`flex/v1/${aggregator}/${der}/cmd {"a":"✓"}`]);
    expect(answers.messages.map(text)).to.deep.equal([`flex/v1/${aggregator}/${der}/ack done`]);
    expect({ agg: agg.counts, dev: dev.counts }).to.deep.equal({
      agg: { sent: 1, received: 1 },
      dev: { sent: 1, received: 1 },
    });
  });

  it('carries the measurements of a feeder to its DSO', async () => {
    const [operator, rtu] = [await as(`dso/${dso}`), await as(`rtu/${dso}/${feeder}`)];
    const readings = seen();
    await operator.subscribe(feederFilter(dso), readings.handler);
    await rtu.publish(feederTopic(dso, feeder), '1');
    await readings.until(1);
    expect(readings.messages.map(text)).to.deep.equal([`grid/v1/${dso}/${feeder}/telemetry 1`]);
  });

  it('keeps the order of what one client publishes, more than any broker takes at once', async () => {
    const [agg, dev] = [await as(AGGREGATOR), await as(DEVICE)];
    const commands = seen();
    await dev.subscribe(command, commands.handler);
    const numbers = Array.from({ length: 3_000 }, (_, index) => String(index));
    await Promise.all(numbers.map((number) => agg.publish(command, number)));
    await commands.until(numbers.length);
    expect(commands.messages.map(({ payload }) => Buffer.from(payload).toString())).to.deep.equal(numbers);
  });

  it('takes a message to all handlers of its topic, though one throws', async () => {
    const [agg, dev] = [await as(AGGREGATOR), await as(DEVICE)];
    const commands = seen();
    await dev.subscribe(command, () => {
      throw new Error('handler');
    });
    await dev.subscribe(command, commands.handler);
    await agg.publish(command, '1');
    await commands.until(1);
    expect(dev.connected).to.equal(true);
  });

  it('keeps two instances of one account side by side', async () => {
    const names = ['one', 'two'];
    const both = await Promise.all(names.map((instance) => as(AGGREGATOR, { clientId: 'agg', instance })));
    const heard = both.map(seen);
    for (const [i, client] of both.entries())
      await client.subscribe(deviceFilter(aggregator, 'telemetry'), heard[i]!.handler);
    const dev = await as(DEVICE);
    await dev.publish(deviceTopic(aggregator, der, 'telemetry'), 'x');
    for (const ears of heard) await ears.until(1);
    // The twin: without one, the second takes the place of the first.
    const first = await raw(AGGREGATOR, { clientId: 'same' });
    const gone = new Promise<void>((resolve) => first.client.on('close', () => resolve()));
    expect((await raw(AGGREGATOR, { clientId: 'same' })).refused).to.equal(undefined);
    await gone;
  });

  for (const topic of [
    ...['', '+', '#', 'flex/v1/#', 'a\u0000b', '$SYS/x', '/'.repeat(300)],
    `flex/v1/${'x'.repeat(600)}`,
  ]) {
    it(`does not send a poisoned publish, to ${JSON.stringify(topic.slice(0, 20))}`, async () => {
      const [agg, dev] = [await as(AGGREGATOR), await as(DEVICE)];
      const error = await agg.publish(topic, '1').catch((reason) => reason);
      expect(error.message).to.match(/is not a topic of this bus/);
      const commands = seen();
      await dev.subscribe(command, commands.handler);
      await agg.publish(command, 'after');
      await commands.until(1);
    });
  }

  it('does not send a payload above the limit', async () => {
    const agg = await as(AGGREGATOR);
    const error = await agg.publish(command, 'x'.repeat(1_000_000)).catch((reason) => reason);
    expect(error).to.be.instanceOf(RangeError);
  });

  it('refuses work once it is closed', async () => {
    const agg = await as(AGGREGATOR);
    await agg.close();
    await agg.close();
    const error = await agg.publish(command, '1').catch((reason) => reason);
    expect(error.message).to.match(/closed/);
  });
}
