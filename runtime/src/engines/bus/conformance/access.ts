import type { FeederId } from '@flexder/protocol/beckn/identifiers.ts';
import { expect } from 'chai';
import { deviceFilter, deviceTopic, feederFilter, feederTopic } from '../topics.ts';
import {
  AGGREGATOR,
  aggregator,
  type Bench,
  DEVICE,
  der,
  dso,
  feeder,
  OTHER_DEVICE,
  otherDer,
  rival,
  seen,
  text,
} from './bench.ts';

/** Each account stays within its own topics, in both directions, whatever the broker says to it. */
export function access(bench: Bench): void {
  const { as, raw } = bench;
  const own = deviceTopic(aggregator, der, 'cmd');
  const foreign = deviceTopic(aggregator, otherDer, 'cmd');

  for (const [name, password] of [
    [DEVICE, 'wrong'],
    [DEVICE, ''],
    ['nobody', 'secret-1'],
    ['', ''],
  ] as const) {
    it(`refuses ${JSON.stringify(name)} with the password ${JSON.stringify(password)}`, async () => {
      const error = await as(name, { password }).catch((reason) => reason);
      expect(error.message).to.match(/refused the connection/);
    });
  }

  const filters = ['#', '+/#', 'flex/#', '+/+/+/+/+', `flex/v1/${aggregator}/+/cmd`, foreign, `flex/v1/+/${der}/cmd`];
  for (const filter of filters) {
    it(`device_hears_nothing_foreign_on_${filter}`, async () => {
      const [agg, dev, other] = [await as(AGGREGATOR), await as(DEVICE), await as(OTHER_DEVICE)];
      const [stolen, mine, theirs] = [seen(), seen(), seen()];
      const refused = await dev.subscribe(filter, stolen.handler).then(
        () => undefined,
        (error: Error) => error,
      );
      if (bench.under.refusesFilters) expect(refused?.message).to.match(/refused .* the filter/);
      await dev.subscribe(own, mine.handler);
      await other.subscribe(foreign, theirs.handler);
      await other.publish(deviceTopic(aggregator, otherDer, 'state'), 'x', { retain: true });
      await agg.publish(foreign, 'theirs');
      await theirs.until(1);
      // What the broker had for the device before comes before this.
      await agg.publish(own, 'mine');
      await mine.until(1);
      expect(stolen.messages.filter(({ topic }) => topic !== own)).to.deep.equal([]);
      expect(theirs.messages.map(text)).to.deep.equal([`${foreign} theirs`]);
    });
  }

  for (const [who, username, topic] of [
    ['device', DEVICE, deviceTopic(aggregator, otherDer, 'telemetry')],
    ['device', DEVICE, own],
    ['aggregator', `aggregator/${rival}`, own],
    ['rtu', `rtu/${dso}/${feeder}`, feederTopic(dso, 'feeder-2' as FeederId)],
  ] as const) {
    it(`${who}_cannot_publish_to_${topic}`, async () => {
      const listeners = [await as(DEVICE), await as(AGGREGATOR), await as(`dso/${dso}`)] as const;
      const heard = seen();
      await listeners[0].subscribe(own, heard.handler);
      await listeners[1].subscribe(deviceFilter(aggregator, 'telemetry'), heard.handler);
      await listeners[2].subscribe(feederFilter(dso), heard.handler);
      const intruder = await as(username);
      const attempt = intruder.publish(topic, 'forged').catch(() => {});
      const honest = await as(`rtu/${dso}/${feeder}`);
      await honest.publish(feederTopic(dso, feeder), 'honest');
      await heard.until(1);
      await intruder.close();
      await attempt;
      expect(heard.messages.map(text)).to.deep.equal([`grid/v1/${dso}/${feeder}/telemetry honest`]);
    });
  }

  it('drops a publish that the broker does not take, and sends on', async () => {
    const [agg, dev] = [await as(AGGREGATOR), await as(DEVICE)];
    const heard = seen();
    await agg.subscribe(deviceFilter(aggregator, 'telemetry'), heard.handler);
    const forged = dev.publish(deviceTopic(aggregator, otherDer, 'telemetry'), 'forged').catch(() => {});
    await forged;
    await dev.publish(deviceTopic(aggregator, der, 'telemetry'), 'own');
    await heard.until(1);
    expect(heard.messages.map(text)).to.deep.equal([`${deviceTopic(aggregator, der, 'telemetry')} own`]);
  });

  it('leaves a Last Will on a foreign topic unsaid', async () => {
    const agg = await as(AGGREGATOR);
    const states = seen();
    await agg.subscribe(deviceFilter(aggregator, 'telemetry'), states.handler);
    const will = { payload: Buffer.from('forged'), qos: 1 as const, retain: false };
    const topicOf = (id: typeof der) => deviceTopic(aggregator, id, 'telemetry');
    const { client, refused } = await raw(DEVICE, { will: { ...will, topic: topicOf(otherDer) } });
    if (!refused) client.stream.destroy();
    // The twin: its own is said.
    const honest = await raw(DEVICE, { will: { ...will, topic: topicOf(der), payload: Buffer.from('own') } });
    expect(honest.refused).to.equal(undefined);
    honest.client.stream.destroy();
    await states.until(1);
    expect(states.messages.map(text)).to.deep.equal([`${topicOf(der)} own`]);
  });

  it('ends a connection that sends 1 MB, and no other', async () => {
    const [agg, honest] = [await as(AGGREGATOR), await as(OTHER_DEVICE)];
    const heard = seen();
    await agg.subscribe(deviceFilter(aggregator, 'telemetry'), heard.handler);
    const { client } = await raw(DEVICE);
    const gone = new Promise<void>((resolve) => client.on('close', () => resolve()));
    client.publish(deviceTopic(aggregator, der, 'telemetry'), 'x'.repeat(1_000_000), { qos: 1 });
    await gone;
    await honest.publish(deviceTopic(aggregator, otherDer, 'telemetry'), 'y');
    await heard.until(1);
    expect(heard.messages.map(text)).to.deep.equal([`${deviceTopic(aggregator, otherDer, 'telemetry')} y`]);
  });
}
