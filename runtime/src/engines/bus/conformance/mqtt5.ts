import { expect } from 'chai';
import { deviceFilter, deviceTopic } from '../topics.ts';
import { AGGREGATOR, aggregator, type Bench, DEVICE, der, OTHER_DEVICE, otherDer, seen, text, wait } from './bench.ts';

const MESSAGES = 200;

/** What MQTT 5 adds where the broker speaks it, and that nothing breaks where it does not. */
export function mqtt5(bench: Bench): void {
  const { as, raw } = bench;
  const ack = deviceTopic(aggregator, der, 'ack');
  const state = (id: typeof der) => deviceTopic(aggregator, id, 'state');

  it('agrees on the version, and says whether it shares', async () => {
    const { protocolVersion, shares } = await as(AGGREGATOR);
    expect({ protocolVersion, shares }).to.deep.equal({
      protocolVersion: bench.under.version,
      shares: bench.under.version === 5,
    });
  });

  it('forgets a message that expired where the broker can, and no other', async () => {
    const [dev, other] = [await as(DEVICE), await as(OTHER_DEVICE)];
    await dev.publish(state(der), 'short', { retain: true, expiryMs: 3_000 });
    await other.publish(state(otherDer), 'long', { retain: true, expiryMs: 3_600_000 });
    const kept = async () => {
      const agg = await as(AGGREGATOR);
      const [states, answers] = [seen(), seen()];
      await agg.subscribe(deviceFilter(aggregator, 'state'), states.handler);
      await agg.subscribe(deviceFilter(aggregator, 'ack'), answers.handler);
      await dev.publish(ack, 'x');
      await answers.until(1);
      return states.messages.map((message) => text(message).split(' ')[1]).sort();
    };
    expect(await kept()).to.deep.equal(['long', 'short']);
    if (bench.under.version === 4) return;
    // The broker's own clock decides; the test's time limit bounds it.
    while ((await kept()).includes('short')) await wait(200);
    expect(await kept()).to.deep.equal(['long']);
  });

  it('hands on where an answer is wanted, or leaves it out', async () => {
    const [agg, dev] = [await as(AGGREGATOR), await as(DEVICE)];
    const commands = seen();
    await dev.subscribe(deviceTopic(aggregator, der, 'cmd'), commands.handler);
    await agg.publish(deviceTopic(aggregator, der, 'cmd'), '{}', { responseTopic: ack, correlation: 'c-1' });
    await commands.until(1);
    const [{ responseTopic, correlation }] = commands.messages as [(typeof commands.messages)[0]];
    expect([responseTopic, correlation]).to.deep.equal(
      bench.under.version === 5 ? [ack, 'c-1'] : [undefined, undefined],
    );
    for (const bad of [{ responseTopic: 'a/+' }, { correlation: 'x'.repeat(257) }]) {
      const error = await agg.publish(deviceTopic(aggregator, der, 'cmd'), '{}', bad).catch((reason) => reason);
      expect(error).to.be.instanceOf(Error);
    }
  });

  it('gives each message to one of a group, or to all where the broker does not share', async () => {
    const members = await Promise.all(['a', 'b'].map((instance) => as(AGGREGATOR, { clientId: 'agg', instance })));
    const heard = members.map(seen);
    const filter = deviceFilter(aggregator, 'telemetry');
    for (const [i, member] of members.entries()) await member.subscribe(filter, heard[i]!.handler, { shared: 'g' });
    // A stranger that names the group is no member of it: nothing goes to it, and so nothing is lost on it.
    const stranger = await raw(OTHER_DEVICE);
    await stranger.client.subscribeAsync(`$share/g/${filter}`, { qos: 1 }).catch(() => {});
    const alone = seen();
    await (await as(AGGREGATOR)).subscribe(filter, alone.handler);
    const dev = await as(DEVICE);
    const numbers = Array.from({ length: MESSAGES }, (_, n) => String(n));
    await Promise.all(numbers.map((n) => dev.publish(deviceTopic(aggregator, der, 'telemetry'), n)));
    await alone.until(MESSAGES);
    const copies = members[0]!.shares ? 1 : members.length;
    const total = () => heard.reduce((sum, { messages }) => sum + messages.length, 0);
    while (total() < MESSAGES * copies) await new Promise((resolve) => setImmediate(resolve));
    const all = heard.flatMap(({ messages }) => messages.map(({ payload }) => Buffer.from(payload).toString()));
    const expected = Array.from({ length: copies }, () => numbers).flat();
    expect(all.sort()).to.deep.equal(expected.sort());
    for (const { messages } of heard) expect(messages).to.not.be.empty;
    const error = await members[0]!.subscribe(filter, () => {}, { shared: 'a/#' }).catch((reason) => reason);
    expect(error.message).to.match(/is not the name of a group/);
  });
}
