/** Keys that are unknown, somebody else's, ended, not begun, replaced, or no keys at all. */
import { randomUUID } from 'node:crypto';
import type { Scenario } from '@flexder/protocol/beckn/inbound.fixture.ts';
import { generateKeys } from '@flexder/protocol/beckn/keys.ts';
import { lowOrderEncodings } from '@flexder/protocol/beckn/public-key.ts';
import { CITY, COUNTRY, DOMAIN } from '@flexder/sandbox/network/ids.ts';
import { expect } from 'chai';
import { expectAck, expectNack, expectNoEffect, sendScenario, type Target } from '../harness/arena.ts';
import { type Counterparty, newKeys } from '../harness/counterparty.ts';
import { type Entry, enter, from, registryTables } from '../harness/registry.ts';
import { type AttackRow, attack } from '../harness/rows.ts';
import { useArena } from '../harness/shared-arena.ts';
import { sendWire } from '../harness/wire.ts';

const DAY_MS = 86_400_000;
const unknown = { status: 401, code: 'AUT_SUBSCRIBER_NOT_FOUND', reason: 'subscriber-unknown' };
const noKey = { status: 401, code: 'AUT_KEY_NOT_FOUND', reason: 'key-unknown' };
const ended = (reason: string) => ({ status: 401, code: 'AUT_KEY_EXPIRED_OR_REVOKED', reason });
const invalid = (reason: string) => ({ status: 401, code: 'AUT_SIGNATURE_INVALID', reason });

/** Names another signer in the header alone; who signed and what stay as they are. */
const signedAs = (subscriber: string) => (scenario: Scenario) => {
  scenario.tamper = (request) => {
    const [value = ''] = request.headers.authorization ?? [];
    const named = value.replace(/keyId="[^|]*/, `keyId="${subscriber}`);
    return { ...request, headers: { ...request.headers, authorization: [named] } };
  };
};

const rows: readonly AttackRow[] = [
  {
    id: 'SIG-21',
    name: 'the key of another subscriber',
    mutate: signedAs('evil.example.com'),
    expect: invalid('signature'),
  },
  {
    id: 'SIG-21',
    name: 'the key id right, the subscriber wrong',
    mutate: signedAs('nobody.example.com'),
    expect: unknown,
  },
  {
    id: 'SIG-21',
    name: 'unknown key id',
    mutate: (scenario) => {
      scenario.keyId = 'key-9';
    },
    expect: noKey,
  },
  {
    id: 'SIG-21',
    name: 'a key nobody registered, under the id of one that is',
    mutate: (scenario) => {
      scenario.signer = { ...scenario.signer, keys: generateKeys() };
    },
    expect: invalid('signature'),
  },
];

/** One change of a record in the registry. */
const records: readonly { name: string; change: (nowMs: number) => Partial<Entry>; reason: string }[] = [
  { name: 'revoked', change: () => ({ status: 'UNSUBSCRIBED' }), reason: 'key-status' },
  { name: 'never proven', change: () => ({ status: 'UNDER_SUBSCRIPTION' }), reason: 'key-status' },
  { name: 'expired', change: (nowMs) => ({ valid_until: new Date(nowMs - 1_000) }), reason: 'key-status' },
  { name: 'not yet valid', change: (nowMs) => ({ valid_from: new Date(nowMs + 60_000) }), reason: 'key-validity' },
];

/** R the neutral element, S zero: holds for every message under a key of order one. */
const FORGED = Buffer.concat([Buffer.from([1]), Buffer.alloc(63)]).toString('base64');

describe('adversarial: keys', () => {
  const arena = useArena();

  attack(arena, rows);

  describe('SIG-19 keys of small order', () => {
    const application = (id: string, signing_public_key: string) => ({
      subscriber_id: id,
      url: `http://127.0.0.1:1/${id}`,
      type: 'BAP',
      domain: DOMAIN,
      location: { country: { code: COUNTRY }, city: { code: CITY } },
      key_id: 'key-1',
      signing_public_key,
      encr_public_key: generateKeys().encryptionPublicKey,
      valid_from: new Date(arena().net.context.wall.nowMs()).toISOString(),
      valid_until: new Date(arena().net.context.wall.nowMs() + DAY_MS).toISOString(),
      nonce: randomUUID(),
    });
    const subscribe = (body: object) =>
      sendWire({
        url: `${arena().net.registry.url}/subscribe`,
        headers: [['Content-Type', 'application/json']],
        body: Buffer.from(JSON.stringify(body)),
      });

    it('all 14 are refused by the registry, a real key is not', async () => {
      const twin = await subscribe(application('real.example.com', generateKeys().signingPublicKey));
      expect(twin.status, twin.text).to.equal(200);
      for (const [index, raw] of lowOrderEncodings().entries()) {
        const id = `low-order-${index}.example.com`;
        const answer = await subscribe(application(id, Buffer.from(raw).toString('base64')));
        expect([answer.status, answer.body.error?.code]).to.deep.equal([400, 'SCH_INVALID_FORMAT']);
        expect(answer.body.error?.message).to.contain('signing_public_key');
        const rowsOf = (await registryTables(arena().net)).selectFrom('subscription').selectAll();
        expect(await rowsOf.where('subscriber_id', '=', id).execute()).to.deep.equal([]);
      }
    });

    for (const type of ['bpp', 'bap', 'bg'] as const) {
      it(`all 14 are refused by the ${type.toUpperCase()}, whatever a registry says`, async () => {
        const target = arena()[type];
        const real = await enter(arena().net, target, `order-real-${type}.example.com`);
        expectAck(await sendScenario(target, from(real, target)), 'the same with a real key');
        for (const [index, raw] of lowOrderEncodings().entries()) {
          const key = Buffer.from(raw).toString('base64');
          const id = `order-${index}-${type}.example.com`;
          const party = await enter(arena().net, target, id, { signing_public_key: key });
          const forged = from(party, target);
          forged.tamper = (request) => {
            const [value = ''] = request.headers.authorization ?? [];
            const changed = value.replace(/signature="[^"]*"/, `signature="${FORGED}"`);
            return { ...request, headers: { ...request.headers, authorization: [changed] } };
          };
          await expectNoEffect(arena(), target, invalid('key'), () => sendScenario(target, forged));
        }
      });
    }
  });

  describe('SIG-22 keys that do not count now', () => {
    for (const type of ['bpp', 'bap', 'bg'] as const) {
      const at = `at the ${type.toUpperCase()}`;
      const target = (): Target => arena()[type];
      const idOf = (name: string) => `${name.replaceAll(' ', '-')}-${type}.example.com`;

      for (const { name, change, reason } of records) {
        it(`${name}, ${at}: 401 AUT_KEY_EXPIRED_OR_REVOKED (${reason})`, async () => {
          const { net } = arena();
          const twin = await enter(net, target(), idOf(`good ${name}`));
          expectAck(await sendScenario(target(), from(twin, target())), 'with a record that counts');
          const party = await enter(net, target(), idOf(name), change(net.context.wall.nowMs()));
          const attempt = () => sendScenario(target(), from(party, target()));
          await expectNoEffect(arena(), target(), ended(reason), attempt);
        });
      }

      it(`of another role, ${at}: 401 AUT_UNAUTHORIZED_ACTION (signer-role)`, async () => {
        const { net } = arena();
        const role = target().peer.type === 'BAP' ? 'BPP' : 'BAP';
        const twin = await enter(net, target(), idOf('good role'));
        expectAck(await sendScenario(target(), from(twin, target())), 'of the right role');
        const party = await enter(net, target(), idOf('other role'), { type: role });
        const refusal = { status: 401, code: 'AUT_UNAUTHORIZED_ACTION', reason: 'signer-role' };
        await expectNoEffect(arena(), target(), refusal, () => sendScenario(target(), from(party, target())));
      });

      it(`rotated: the new key at once, the old one until it ends, ${at}`, async () => {
        const { net } = arena();
        const party = await arena().open(idOf('rotating'), target().peer.type);
        const old = party.keys;
        const next = newKeys('key-2');
        expectAck(await signedBy(party, target(), old), 'the first key');
        await party.addKeys(next);
        expectAck(await signedBy(party, target(), next), 'the new key, while the old record is cached');
        expectAck(await signedBy(party, target(), old), 'the old key, in the overlap');
        await net.registry.expire(party.id, old.keyId, net.context.wall.nowMs() - 1_000);
        await refetched(party, target());
        await expectNoEffect(arena(), target(), ended('key-status'), () => signedBy(party, target(), old));
        expectAck(await signedBy(party, target(), next), 'the new key, after the old one ended');
      });

      it(`revoked after it was honoured, ${at}: 401 AUT_KEY_EXPIRED_OR_REVOKED (key-status)`, async () => {
        const party = await arena().open(idOf('revoked-later'), target().peer.type);
        expectAck(await signedBy(party, target(), party.keys));
        expect(await arena().net.registry.revoke(party.id, party.keys.keyId)).to.equal(true);
        await refetched(party, target());
        await expectNoEffect(arena(), target(), ended('key-status'), () => signedBy(party, target(), party.keys));
      });
    }
  });

  for (const type of ['bpp', 'bap', 'bg'] as const) {
    it(`SIG-21 the registry is asked once for what it does not know, by the ${type.toUpperCase()}`, async () => {
      const { tap } = arena();
      const target = arena()[type];
      const stranger = from({ ...target.baseline().signer, id: `stranger-${type}.example.com` as never }, target);
      expectAck(await sendScenario(target, target.baseline()));
      await arena().net.settle();
      const lookups = tap.lookups.length;
      await expectNoEffect(arena(), target, unknown, () => sendScenario(target, stranger));
      expect(tap.lookups.length - lookups).to.equal(1);
      for (let i = 0; i < 5; i++) expectNack(await sendScenario(target, stranger), unknown);
      expect(tap.lookups.length - lookups).to.equal(1);
    });
  }
});

const signedBy = (party: Counterparty, target: Target, keys: Counterparty['keys']) => {
  const scenario = from({ id: party.id as never, type: party.type, url: party.url, keys }, target);
  scenario.keyId = keys.keyId;
  return sendScenario(target, scenario);
};

/** A record is cached for a while; a key that is not in it makes the target ask again now. */
async function refetched(party: Counterparty, target: Target): Promise<void> {
  expectNack(await signedBy(party, target, newKeys('key-9')), noKey);
}
