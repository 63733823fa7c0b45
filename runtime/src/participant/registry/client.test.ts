import { expect } from 'chai';
import type { WallClock } from '../../clock.ts';
import { type Outbound, OutboundError } from '../../http/outbound.ts';
import { createLogger } from '../../logging.ts';
import { createMetrics } from '../../metrics.ts';
import { KEY_NEGATIVE_MS, KEY_REFRESH_MS, KEY_STALE_MS, UNKNOWN_LOOKUPS_AT_ONCE } from '../limits.ts';
import { createRegistryClient, RegistryRateError, RegistryUnavailableError } from './client.ts';

const START = Date.parse('2026-01-15T17:00:00Z');

function entry(id: string, keyId = 'key-1', more: Record<string, unknown> = {}) {
  return {
    subscriber_id: id,
    ukId: keyId,
    subscriber_url: `https://${id}/beckn/`,
    type: 'BPP',
    domain: 'd',
    location: { city: { code: 'c' } },
    signing_public_key: 'k',
    status: 'SUBSCRIBED',
    valid_from: '2026-01-01T00:00:00Z',
    valid_until: '2026-02-01T00:00:00Z',
    ...more,
  };
}

/** A client over a registry that is a function, with time under the test's control. */
function rig(answer: (filter: Record<string, unknown>) => unknown) {
  const asked: Record<string, unknown>[] = [];
  let nowMs = 0;
  const wall = { nowMs: () => START + nowMs, monotonicMs: () => nowMs } as WallClock;
  const http: Outbound = {
    async request(_url, { body }) {
      const filter = JSON.parse(String(body)) as Record<string, unknown>;
      asked.push(filter);
      return { status: 200, headers: {}, body: Buffer.from(JSON.stringify(answer(filter))) };
    },
    close: async () => {},
  };
  const context = { http, wall, log: createLogger('test', 'silent'), metrics: createMetrics('test') };
  const client = createRegistryClient(context, 'https://registry.example', 'strict');
  return { client, asked, pass: (ms: number) => (nowMs += ms) };
}

const failure = (work: Promise<unknown>) =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  );

describe('the registry client', () => {
  it('asks once for many who ask at once, and again only when the answer is old', async () => {
    const { client, asked, pass } = rig(({ subscriber_id }) => [entry(String(subscriber_id))]);
    const found = await Promise.all([1, 2, 3].map(() => client.lookup('bpp.example')));
    expect(found.map((record) => record?.url)).to.deep.equal(Array(3).fill('https://bpp.example/beckn'));
    await client.lookup('bpp.example');
    expect(asked).to.have.length(1);
    pass(KEY_REFRESH_MS + 1);
    await client.lookup('bpp.example');
    expect(asked).to.have.length(2);
  });

  it('takes no answer about another subscriber than the one asked for', async () => {
    const lying = rig(() => [entry('evil.example')]);
    expect(await lying.client.lookup('bpp.example')).to.equal(undefined);
    const honest = rig(() => [entry('evil.example'), entry('bpp.example')]);
    expect((await honest.client.lookup('bpp.example'))?.subscriberId).to.equal('bpp.example');
  });

  it('uses no record that cannot be used', async () => {
    const changes = [
      { url: 'file:///x', subscriber_url: undefined },
      { ukId: 'a b' },
      { valid_until: 'soon' },
      { type: 'X' },
    ];
    const answers = changes.map((change) => entry('bpp.example', 'key-1', change));
    expect(await rig(() => answers).client.lookup('bpp.example')).to.equal(undefined);
    expect(await rig(() => [...answers, entry('bpp.example')]).client.lookup('bpp.example')).to.not.equal(undefined);
  });

  it('remembers for a while that there is no such subscriber', async () => {
    const { client, asked, pass } = rig(() => []);
    for (let i = 0; i < 3; i++) expect(await client.lookup('nobody.example')).to.equal(undefined);
    expect(asked).to.have.length(1);
    pass(KEY_NEGATIVE_MS);
    await client.lookup('nobody.example');
    expect(asked).to.have.length(2);
  });

  it('asks at once where the answer has to be of now, however lately there was no such subscriber', async () => {
    // As registries do that show a newcomer only once it is proven.
    let proven = false;
    const { client, asked } = rig(() => (proven ? [entry('bpp.example')] : []));
    expect(await client.records('bpp.example', { fresh: 'now' })).to.deep.equal([]);
    proven = true;
    expect(await client.records('bpp.example', { fresh: true }), 'the twin: of a moment ago').to.deep.equal([]);
    expect(await client.records('bpp.example', { fresh: 'now' })).to.have.length(1);
    expect(await client.records('bpp.example')).to.have.length(1);
    expect(asked).to.have.length(2);
  });

  it('asks a bounded number of times for invented ids and keys, and still for those it knows', async () => {
    const { client, asked, pass } = rig(({ subscriber_id }) =>
      subscriber_id === 'bpp.example' ? [entry('bpp.example')] : [],
    );
    await client.lookup('bpp.example');
    let refused = 0;
    for (let i = 0; i < 1_000; i++) {
      const flood = i % 2 ? client.records(`x${i}.example`) : client.records('bpp.example', { keyId: `key-${i + 2}` });
      if ((await failure(flood)) instanceof RegistryRateError) refused++;
    }
    expect(asked.length).to.be.at.most(UNKNOWN_LOOKUPS_AT_ONCE + 1);
    expect(refused).to.be.greaterThan(900);
    pass(1);
    const before = asked.length;
    expect(await client.records('bpp.example', { fresh: 'now' })).to.have.length(1);
    expect(asked).to.have.length(before + 1);
  });

  it('finds a key that is new since the last answer', async () => {
    let keys = ['key-1'];
    const { client } = rig(() => keys.map((key) => entry('bpp.example', key)));
    await client.records('bpp.example', { keyId: 'key-1' });
    keys = ['key-1', 'key-2'];
    expect((await client.records('bpp.example', { keyId: 'key-2' })).map(({ keyId }) => keyId)).to.deep.equal(keys);
  });

  it('REG-04: honours what it knows while the registry is away, for a while or until the key ends', async () => {
    let away = false;
    const { client, pass } = rig(({ subscriber_id }) => {
      if (away) throw new OutboundError('connect', 'refused');
      const more = subscriber_id === 'ending.example' ? { valid_until: '2026-01-15T17:05:00Z' } : {};
      return [entry(String(subscriber_id), 'key-1', more)];
    });
    expect(client.health()).to.deep.equal({ ok: true, detail: 'not asked yet' });
    for (const id of ['bpp.example', 'ending.example']) await client.lookup(id);
    expect(client.health()).to.deep.equal({ ok: true, detail: 'answered, 0 s ago' });
    away = true;
    pass(10 * KEY_REFRESH_MS);
    expect((await client.lookup('bpp.example'))?.subscriberId).to.equal('bpp.example');
    expect(await failure(client.lookup('other.example'))).to.be.instanceOf(RegistryUnavailableError);
    expect(client.health().ok).to.equal(false);
    expect(client.health().detail).to.contain('cannot be reached');
    expect(await client.lookup('ending.example')).to.equal(undefined);
    pass(KEY_STALE_MS);
    expect(await failure(client.lookup('bpp.example'))).to.be.instanceOf(RegistryUnavailableError);
    away = false;
    expect((await client.lookup('bpp.example'))?.subscriberId).to.equal('bpp.example');
  });

  it('lists each subscriber once, sorted, of the domain and city asked for', async () => {
    const { client } = rig(() => [
      entry('b.example'),
      entry('a.example', 'old', { valid_from: '2025-01-01T00:00:00Z' }),
      entry('a.example', 'new'),
      entry('c.example', 'key-1', { domain: 'other' }),
      entry('d.example', 'key-1', { status: 'UNSUBSCRIBED' }),
    ]);
    const found = await client.list({ type: 'BPP', domain: 'd', city: 'c' });
    expect(found.map(({ subscriberId, keyId }) => `${subscriberId} ${keyId}`)).to.deep.equal([
      'a.example new',
      'b.example key-1',
    ]);
  });
});
