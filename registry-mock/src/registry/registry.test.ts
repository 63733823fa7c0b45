import { spkiOf } from '@flexder/protocol/beckn/keys.ts';
import { lowOrderEncodings } from '@flexder/protocol/beckn/public-key.ts';
import type { ParticipantKeys } from '@flexder/runtime/participant/types.ts';
import { expect } from 'chai';
import { post, send, sign, statusBody } from '../testing/messages.ts';
import { CITY, DOMAIN, type Network, newKeys, openNetwork, type Peer } from '../testing/network.ts';
import { type RegistryTables, registryMigrations } from './tables.ts';

const hooks = { onUndelivered: async () => {} };

describe('the registry', () => {
  let network: Network;
  let victim: Peer;
  let bpp: Peer;

  before(async function () {
    this.timeout(60_000);
    network = await openNetwork();
    victim = await network.peer({ id: 'victim.example', type: 'BAP' });
    bpp = await network.peer({ id: 'bpp.example', type: 'BPP' });
    await bpp.participant.serve({ status: async () => {} }, hooks);
  });
  after(() => network.close());

  function application(id: string, keys: ParticipantKeys, more: Record<string, unknown> = {}) {
    return {
      subscriber_id: id,
      url: `http://127.0.0.1:9/${id}`,
      type: 'BPP',
      domain: DOMAIN,
      location: { country: { code: 'GBR' }, city: { code: CITY } },
      key_id: keys.keyId,
      signing_public_key: keys.signingPublicKey,
      encr_public_key: keys.encryptionPublicKey,
      valid_from: new Date(Date.now() - 60_000).toISOString(),
      valid_until: new Date(Date.now() + 86_400_000).toISOString(),
      nonce: 'nonce-12345678',
      ...more,
    };
  }
  const subscribe = (value: unknown, headers: Record<string, string> = {}) =>
    post(`${network.registry.url}/subscribe`, JSON.stringify(value), headers);
  async function lookup(filter: unknown): Promise<Record<string, unknown>[]> {
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(`${network.registry.url}/lookup`, {
      method: 'POST',
      body: JSON.stringify(filter),
      headers,
    });
    expect(response.status).to.equal(200);
    return (await response.json()) as Record<string, unknown>[];
  }

  it('finds a subscriber by any spelling of its key id, and answers in all of them', async () => {
    for (const spelling of ['key_id', 'unique_key_id', 'ukId']) {
      const [record, ...more] = await lookup({ subscriber_id: 'victim.example', [spelling]: 'key-1' });
      expect(more).to.have.length(0);
      expect(record).to.include({ status: 'SUBSCRIBED', key_id: 'key-1', unique_key_id: 'key-1', ukId: 'key-1' });
      expect(record?.url).to.equal(record?.subscriber_url);
    }
    expect(await lookup({ subscriber_id: 'nobody.example' })).to.deep.equal([]);
    expect(await lookup({ type: 'BPP', location: { city: { code: CITY } } })).to.have.length(1);
    expect(await lookup({ limit: 1 })).to.have.length(1);
    expect((await lookup({ limit: 1, page: 2 }))[0]?.subscriber_id).to.equal('victim.example');
  });

  it('does not subscribe whose challenge is not answered', async () => {
    const answer = await subscribe(application('unproven.example', newKeys()));
    expect(answer.status).to.equal(200);
    await victim.context.activity.idle();
    expect((await lookup({ subscriber_id: 'unproven.example' })).map(({ status }) => status)).to.deep.equal([
      'UNDER_SUBSCRIPTION',
    ]);
  });

  it('does not let anybody register under the id of another', async () => {
    const own = newKeys('key-evil');
    const evil = application('victim.example', own, { url: 'http://127.0.0.1:9/evil' });
    expect((await subscribe(evil)).status).to.equal(401);
    const bytes = Buffer.from(JSON.stringify(evil));
    const signed = await subscribe(evil, { authorization: sign(bytes, 'victim.example', own) });
    expect([signed.status, signed.body.error?.code]).to.deep.equal([401, 'AUT_UNAUTHORIZED_ACTION']);
    // Even at the victim's own address and with its encryption key: no subscription of its own is under way there.
    const borrowed = application(
      'victim.example',
      { ...own, encryptionPublicKey: victim.config.keys.encryptionPublicKey },
      { url: victim.config.url },
    );
    expect((await subscribe(borrowed)).status).to.equal(401);
    const challenge = await fetch(`${victim.config.url}/on_subscribe`, {
      method: 'POST',
      body: '{"challenge":"AAAA"}',
    });
    expect(challenge.status).to.equal(401);
    expect((await lookup({ subscriber_id: 'victim.example' })).map(({ key_id }) => key_id)).to.deep.equal(['key-1']);
  });

  it('does not register a key or an address of another', async () => {
    const keys = newKeys();
    const stolen = { ...keys, signingPublicKey: victim.config.keys.signingPublicKey };
    expect((await subscribe(application('thief.example', stolen))).status).to.equal(409);
    const spki = spkiOf(Buffer.from(victim.config.keys.signingPublicKey, 'base64'), 'ed25519');
    expect((await subscribe(application('thief.example', { ...keys, signingPublicKey: spki }))).status).to.equal(409);
    expect((await subscribe(application('thief.example', keys, { url: victim.config.url }))).status).to.equal(409);
    expect((await subscribe(application('honest.example', keys))).status).to.equal(200);
  });

  it('does not let anybody be proven by the answers of another who subscribes just then', async () => {
    const { http } = network.context('newcomer.example');
    const keys = newKeys();
    const evil = newKeys();
    let meanwhile = 0;
    const http2: typeof http = {
      ...http,
      async request(url, options) {
        if (url.endsWith('/subscribe') && meanwhile++ === 0) {
          // At the newcomer's address, encrypted for the newcomer: only the signing key and the id are evil's.
          const borrowed = { ...evil, encryptionPublicKey: keys.encryptionPublicKey };
          const origin = JSON.parse(String(options.body)).url as string;
          expect((await subscribe(application('evil.example', borrowed, { url: origin }))).status).to.equal(200);
          while (
            (await records('evil.example', 'registry.unproven')) === 0 &&
            (await statusOf('evil.example')) !== 'SUBSCRIBED'
          )
            await new Promise((resolve) => setTimeout(resolve, 10));
        }
        return http.request(url, options);
      },
    };
    await network.peer({ id: 'newcomer.example', type: 'BPP', keys, context: { http: http2 } });
    expect(meanwhile).to.equal(1);
    expect(await statusOf('evil.example')).to.equal('UNDER_SUBSCRIPTION');
    expect(await statusOf('newcomer.example')).to.equal('SUBSCRIBED');
  });

  const statusOf = async (id: string) => (await lookup({ subscriber_id: id }))[0]?.status;
  async function records(id: string, event: string): Promise<number> {
    const db = await network.engines.database.open<RegistryTables>('registry.flexder.example', registryMigrations);
    const rows = await db.selectFrom('audit_record').select('record').execute();
    return rows.filter(({ record }) => record.event_type === event && record.counterparty_id === id).length;
  }

  it('refuses a signature that is not of the key being registered', async () => {
    const keys = newKeys();
    const value = application('signed.example', keys);
    const bytes = Buffer.from(JSON.stringify(value));
    expect((await subscribe(value, { authorization: sign(bytes, 'signed.example', newKeys()) })).status).to.equal(401);
    expect((await subscribe(value, { authorization: sign(bytes, 'signed.example', keys) })).status).to.equal(200);
  });

  it('refuses keys, ids and addresses that must not be', async () => {
    const keys = newKeys();
    const refused: [string, Record<string, unknown>][] = [
      ['short key', { signing_public_key: 'AAAA' }],
      ['long key', { signing_public_key: Buffer.alloc(33, 7).toString('base64') }],
      ['no encryption key', { encr_public_key: undefined }],
      ['id with a slash', { subscriber_id: 'a/b' }],
      ['long id', { subscriber_id: 'a'.repeat(129) }],
      ['id of a prototype', { subscriber_id: '__proto__' }],
      ['file', { url: 'file:///etc/passwd' }],
      ['script', { url: 'javascript:alert(1)' }],
      ['metadata service', { url: 'http://169.254.169.254/latest' }],
      ['user in the URL', { url: 'http://user@127.0.0.1:9/' }],
      ['type', { type: 'LREG' }],
      ['past validity', { valid_until: '2020-01-01T00:00:00Z' }],
      ['endless validity', { valid_until: '2099-01-01T00:00:00Z' }],
      ['no nonce', { nonce: undefined }],
      ...lowOrderEncodings().map((raw, i): [string, Record<string, unknown>] => [
        `low order ${i}`,
        { signing_public_key: Buffer.from(raw).toString('base64') },
      ]),
    ];
    for (const [name, change] of refused) {
      const answer = await subscribe(application('odd.example', keys, change));
      expect([name, answer.status]).to.deep.equal([name, 400]);
    }
    expect((await subscribe(application('odd.example', keys))).status).to.equal(200);
  });

  it('answers in JSON whatever is asked', async () => {
    const url = network.registry.url;
    const statusOf = async (path: string, body: string) => (await post(`${url}${path}`, body, {})).status;
    expect(await statusOf('/subscribe', '{"subscriber_id":1,"subscriber_id":2}')).to.equal(400);
    expect(await statusOf('/subscribe', `{"x":"${'y'.repeat(70_000)}"}`)).to.equal(413);
    expect(await statusOf('/lookup', '[]')).to.equal(400);
    expect(await statusOf('/lookup', '{"subscriber_id":{"$ne":1}}')).to.equal(400);
    expect(await statusOf('/nothing', '{}')).to.equal(404);
    expect((await fetch(`${url}/health/live`)).status).to.equal(200);
  });

  it('rotates a key: both hold in the overlap, then only the new one', async () => {
    const previousKeys = victim.config.keys;
    const next = { ...newKeys('key-2') };
    const value = application('victim.example', next, { url: victim.config.url, type: 'BAP' });
    const bytes = Buffer.from(JSON.stringify(value));
    const answer = await subscribe(value, { authorization: sign(bytes, 'victim.example', previousKeys) });
    expect(answer.status).to.equal(200);
    await victim.context.activity.idle();
    // The running participant answers no challenge it did not ask for.
    expect((await lookup({ subscriber_id: 'victim.example', key_id: 'key-2' }))[0]?.status).to.equal(
      'UNDER_SUBSCRIPTION',
    );
    const port = Number(new URL(victim.config.url).port);
    await victim.close();
    const rotated = await network.peer({ id: 'victim.example', type: 'BAP', keys: next, previousKeys, port });
    expect((await send(rotated, bpp, 'status', statusBody(rotated, bpp))).status).to.equal(200);
    expect((await send(victim, bpp, 'status', statusBody(victim, bpp))).status).to.equal(200);
    expect(await network.registry.revoke('victim.example', 'key-1')).to.equal(true);
    // A key nobody has heard of makes the participant ask afresh, so the revocation is known from then on.
    const unknown = { ...rotated, config: { ...rotated.config, keys: newKeys('key-9') } };
    expect((await send(unknown, bpp, 'status', statusBody(rotated, bpp))).body.error?.code).to.equal(
      'AUT_KEY_NOT_FOUND',
    );
    const late = await send(victim, bpp, 'status', statusBody(victim, bpp));
    expect([late.status, late.body.error?.code]).to.deep.equal([401, 'AUT_KEY_EXPIRED_OR_REVOKED']);
    expect((await send(rotated, bpp, 'status', statusBody(rotated, bpp))).status).to.equal(200);
  });
});
