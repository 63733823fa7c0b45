import { expect } from 'chai';
import { aggregator, dso, evil, gateway, judge, NOW, registered, scenario } from './inbound.fixture.ts';
import { INBOUND_STEPS, type InboundOutcome } from './inbound.ts';
import { ROWS, type Row } from './inbound-rows.fixture.ts';

const KEY = `${dso.id}|key-1`;

function verdict(outcome: InboundOutcome) {
  return outcome.accepted ? 'accepted' : { status: outcome.status, code: outcome.code, reason: outcome.reason };
}

async function changed(row: Row, steps = INBOUND_STEPS) {
  const one = scenario(row.from);
  row.change(one);
  return judge(one, steps);
}

describe('inbound pipeline, one change each', () => {
  for (const row of ROWS) {
    it(`${row.name}: ${row.expect.status} ${row.expect.code} (${row.expect.reason})`, async () => {
      const twin = await judge(scenario(row.from));
      expect(verdict(twin.outcome)).to.equal('accepted');
      expect(twin.stored).to.have.length(1);
      const { outcome, stored } = await changed(row);
      expect(verdict(outcome)).to.deep.equal(row.expect);
      expect(stored).to.have.length(0);
      if (outcome.accepted) return;
      expect(outcome.text, 'says what to do').to.match(/.{20}/);
      expect(outcome.challenge ?? false, 'a 401 asks for a signature').to.equal(outcome.status === 401);
      expect(outcome.gateway ?? false).to.equal(row.name.startsWith('gateway'));
    });
  }

  it('nothing was polluted', () => expect(({} as Record<string, unknown>).polluted).to.equal(undefined));
});

describe('inbound pipeline', () => {
  for (const { name } of INBOUND_STEPS) {
    it(`without the step ${name} some case fails`, async () => {
      const rest = INBOUND_STEPS.filter((step) => step.name !== name);
      const failing: string[] = [];
      for (const row of ROWS) {
        const result = await changed(row, rest).then(({ outcome }) => verdict(outcome), String);
        if (JSON.stringify(result) !== JSON.stringify(row.expect)) failing.push(row.name);
      }
      expect(failing).to.not.be.empty;
    });
  }

  it('hands on what was signed, by whom, when', async () => {
    const { outcome, stored } = await judge(scenario());
    if (!outcome.accepted) throw new Error(outcome.text);
    expect(outcome).to.include({ status: 200, repeated: false });
    expect(outcome.message).to.equal(stored[0]);
    expect(outcome.message).to.include({ action: 'select', signerId: dso.id, receivedAtMs: NOW + 250 });
    expect(outcome.message.sha256).to.match(/^[0-9a-f]{64}$/);
    expect(outcome.message.signature.keyId).to.equal('key-1');
    expect(outcome.message).to.not.have.property('gatewayId');
  });

  it('SIG-09 the same message again: acknowledged again, stored once', async () => {
    const one = scenario();
    const [first, second] = [await judge(one), await judge(one)];
    expect(first.outcome).to.include({ accepted: true, repeated: false });
    expect(second.outcome).to.include({ accepted: true, repeated: true });
    expect(second.stored).to.have.length(0);
  });

  it('TXN-01 the same id with other content: the first stands', async () => {
    const one = scenario();
    await judge(one);
    one.message.context.ttl = 'PT29S';
    expect(verdict((await judge(one)).outcome)).to.include({ status: 409 });
  });

  it('a search names its gateway; without one it is the BAP’s own', async () => {
    const via = await judge(scenario('search'));
    expect(via.stored[0]).to.include({ gatewayId: gateway.id, signerId: dso.id });
    const direct = await judge({ ...scenario('search'), viaGateway: false });
    expect(direct.outcome.accepted).to.equal(true);
    expect(direct.stored[0]).to.not.have.property('gatewayId');
  });

  it('a gateway takes a search for nobody in particular', async () => {
    const { outcome } = await judge({ ...scenario('search'), self: gateway, viaGateway: false });
    expect(verdict(outcome)).to.equal('accepted');
  });

  it('SIG-21 an unknown key is asked for once', async () => {
    const one = scenario();
    one.keyId = 'key-9';
    expect((await judge(one)).asked).to.deep.equal([`${dso.id}|key-9`]);
  });

  it('SIG-22 a key replaced while cached is fetched once and then accepted', async () => {
    const one = scenario();
    one.cached.set(KEY, registered(evil));
    const { outcome, asked } = await judge(one);
    expect(asked).to.deep.equal([KEY, `${KEY}!`]);
    expect(verdict(outcome)).to.equal('accepted');
  });

  it('SIG-22 a cached key that ran out and was renewed is fetched once and then accepted', async () => {
    const one = scenario();
    one.cached.set(KEY, { ...registered(dso), validUntilMs: NOW });
    const { outcome, asked } = await judge(one);
    expect(asked).to.deep.equal([KEY, `${KEY}!`]);
    expect(verdict(outcome)).to.equal('accepted');
  });

  it('a forged signature costs one fetch, and stays forged when the registry is away', async () => {
    const one = scenario();
    one.signer = { ...dso, keys: aggregator.keys };
    expect((await judge(one)).asked).to.deep.equal([KEY, `${KEY}!`]);
    one.cached.set(KEY, registered(dso));
    one.registry.set(KEY, { unavailable: true });
    expect(verdict((await judge(one)).outcome)).to.include({ status: 401, reason: 'signature' });
  });

  it('says which timestamp, by how much, and the time here', async () => {
    const one = scenario();
    one.message.context.timestamp = new Date(NOW - 42_000).toISOString();
    const { outcome } = await judge(one);
    expect(outcome).to.have.property('path', '/context/ttl');
    expect(outcome).to.have.property('text').that.includes('12.25 s ago').and.includes('2026-01-15T17:00:00.250Z');
  });

  it('names the member and the wanted value where context and request differ', async () => {
    const one = scenario();
    one.message.context.bap_uri = 'https://evil.example.com/beckn';
    const { outcome } = await judge(one);
    expect(outcome).to.have.property('path', '/context/bap_uri');
    expect(outcome).to.have.property('text').that.includes(dso.url);
  });
});
