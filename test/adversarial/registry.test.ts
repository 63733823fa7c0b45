/** Applications and lookups that a registry must refuse: each changes one thing of a request that is taken without it. */

import { createServer } from 'node:net';
import {
  ADDRESS_SHARE,
  LOOKUP_RECORDS,
  LOOKUP_RECORDS_AT_MOST,
  LOOKUPS_AT_ONCE,
  SUBSCRIBE_AT_ONCE,
  SUBSCRIBERS,
  UNPROVEN,
} from '@flexder/registry-mock/limits.ts';
import { type Network, newKeys, openNetwork } from '@flexder/registry-mock/testing/network.ts';
import { thorough } from '@flexder/runtime/testing/thorough.ts';
import { MAX_AGGREGATORS, scenarioAggregators } from '@flexder/sandbox/scenario/aggregators.ts';
import { expect } from 'chai';
import { sql } from 'kysely';
import {
  type Application,
  expectRegistryRefusal,
  lastRecordOf,
  openRegistryDoor,
  type RegistryDoor,
  type RegistryRefusal,
  recordsOf,
  signedBy,
} from '../harness/registry-door.ts';
import { ADDRESSES, APPLICATIONS, invalid, LOOKUPS, own, ownKey } from '../harness/registry-rows.ts';
import type { WireAnswer } from '../harness/wire.ts';

/** Not every machine has all of 127/8. */
function canBind(host: string): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(0, host, () => server.close(() => resolve(true)));
  });
}

describe('adversarial: the registry', function () {
  this.timeout(60_000);
  let network: Network;
  let door: RegistryDoor;
  let strict: RegistryDoor;

  before(async () => {
    network = await openNetwork();
    door = await openRegistryDoor(network, 'sandbox');
    strict = await openRegistryDoor(network, 'strict');
  });
  after(async () => {
    for (const one of [door, strict]) await one?.close();
    await network?.close();
  });
  // What the cases before took of a second's share is there again.
  beforeEach(() => {
    for (const one of [door, strict]) one.pass(60_000);
  });

  async function expectTaken(at: RegistryDoor, application = at.application()): Promise<void> {
    const answer = await at.subscribe(application);
    expect([answer.status, answer.text], 'the untouched application').to.deep.equal([
      200,
      '{"status":"UNDER_SUBSCRIPTION"}',
    ]);
  }

  for (const { id, name, change, text = (t: string) => t, wire, expect: refusal } of APPLICATIONS) {
    it(`${id} ${name}: ${refusal.status} ${refusal.code}`, async () => {
      await expectTaken(door);
      const application = door.application(change);
      const sent = text(JSON.stringify(application));
      await expectRegistryRefusal(door, refusal, () => door.post('/subscribe', Buffer.from(sent), wire?.(application)));
    });
  }

  it('the twin of the signatures: signed by the key that is to be registered', async () => {
    const application = door.application(ownKey);
    const answer = await door.subscribe(application, signedBy(application.subscriber_id, own, application));
    expect(answer.status, answer.text).to.equal(200);
  });

  for (const [id, url] of ADDRESSES) {
    it(`${id} strict: nobody subscribes with ${url}`, async () => {
      await expectTaken(strict);
      await expectRegistryRefusal(strict, invalid(/url/), () => strict.subscribe(strict.application({ url })));
    });
  }

  for (const { id, name, body, expect: refusal } of LOOKUPS) {
    it(`${id} /lookup with ${name}: ${refusal.status} ${refusal.code}`, async () => {
      expect((await door.post('/lookup', Buffer.from('{"type":"BPP"}'))).status, 'the twin').to.equal(200);
      await expectRegistryRefusal(door, refusal, () => door.post('/lookup', Buffer.from(body)));
    });
  }

  it('MSG-10 /lookup with what would be SQL: found is nobody', async () => {
    const answer = await door.post('/lookup', Buffer.from(`{"subscriber_id":"x' or '1'='1"}`));
    expect([answer.status, answer.text]).to.deep.equal([200, '[]']);
  });

  describe('REG-01 in the name of another', () => {
    const victimKeys = newKeys();
    let victim: Application;
    before(async () => {
      victim = door.application({
        signing_public_key: victimKeys.signingPublicKey,
        encr_public_key: victimKeys.encryptionPublicKey,
      });
      await expectTaken(door, victim);
      await door.settle();
      await sql`update subscription set status = 'SUBSCRIBED' where subscriber_id = ${victim.subscriber_id}`.execute(
        door.db,
      );
    });
    const unauthorised = (text: RegExp): RegistryRefusal => ({ status: 401, code: 'AUT_UNAUTHORIZED_ACTION', text });
    const taken = (text: RegExp): RegistryRefusal => ({ status: 409, code: 'AUT_UNAUTHORIZED_ACTION', text });
    const mine = () => ({ subscriber_id: victim.subscriber_id, key_id: 'key-evil' });

    it('its id, unsigned', () =>
      expectRegistryRefusal(door, unauthorised(/sign the request/), () => door.subscribe(door.application(mine()))));

    it('its id, signed by the key that is to be registered', async () => {
      const keys = newKeys('key-evil');
      const application = door.application({ ...mine(), signing_public_key: keys.signingPublicKey });
      const wire = signedBy(victim.subscriber_id, keys, application);
      await expectRegistryRefusal(door, unauthorised(/sign the request/), () => door.subscribe(application, wire));
    });

    it('its id, its address and its encryption key', () =>
      expectRegistryRefusal(door, unauthorised(/sign the request/), () =>
        door.subscribe(door.application({ ...mine(), url: victim.url, encr_public_key: victim.encr_public_key })),
      ));

    it('its key id for another key', () =>
      expectRegistryRefusal(door, taken(/taken by another key/), () =>
        door.subscribe(door.application({ subscriber_id: victim.subscriber_id })),
      ));

    for (const member of ['url', 'signing_public_key', 'encr_public_key'] as const) {
      it(`its ${member}, under an id of one's own`, () =>
        expectRegistryRefusal(door, taken(/registered to another subscriber/), () =>
          door.subscribe(door.application({ [member]: victim[member] })),
        ));
    }

    it('the twin: a second key of its own, signed by the first', async () => {
      const application = door.application({ ...mine(), key_id: 'key-2', url: victim.url });
      const answer = await door.subscribe(application, signedBy(victim.subscriber_id, victimKeys, application));
      expect(answer.status, answer.text).to.equal(200);
    });

    it('an address where nobody answers the challenge: never subscribed, and on record', async () => {
      const mark = await lastRecordOf(door.db);
      const application = door.application();
      await expectTaken(door, application);
      await door.settle();
      const found = await door.post(
        '/lookup',
        Buffer.from(JSON.stringify({ subscriber_id: application.subscriber_id })),
      );
      expect((JSON.parse(found.text) as { status: string }[]).map(({ status }) => status)).to.deep.equal([
        'UNDER_SUBSCRIPTION',
      ]);
      const [record] = await recordsOf(door.db, mark);
      expect(record).to.include({ event_type: 'registry.unproven', counterparty_id: application.subscriber_id });
    });
  });

  describe('REG-05 floods', () => {
    let flooded: RegistryDoor;
    before(async () => {
      // Beside the other two it would share their tables.
      flooded = await openRegistryDoor(await openNetworkOfItsOwn(), 'sandbox');
    });
    const closing: Network[] = [];
    async function openNetworkOfItsOwn(): Promise<Network> {
      const opened = await openNetwork();
      closing.push(opened);
      return opened;
    }
    after(async () => {
      await flooded?.close();
      for (const one of closing) await one.close();
    });

    it('a lookup has its pages, whatever is asked for', async () => {
      await sql`
        insert into subscription select 's' || i, 'key-1', 'BPP', 'http://127.0.0.1:9/s' || i, 'd', 'GBR', 'c',
          's' || i, 'e' || i, now(), now() + interval '1 day', 'SUBSCRIBED', now(), now()
        from generate_series(1, ${SUBSCRIBERS - 1}::int) i`.execute(flooded.db);
      const count = async (filter: object) => {
        const answer = await flooded.post('/lookup', Buffer.from(JSON.stringify(filter)));
        return (JSON.parse(answer.text) as unknown[]).length;
      };
      expect(await count({})).to.equal(LOOKUP_RECORDS);
      expect(await count({ limit: 1_000_000 })).to.equal(LOOKUP_RECORDS_AT_MOST);
    });

    it('those who prove nothing make room for each other, and keep nobody out', async () => {
      await sql`
        insert into subscription select 'u' || i, 'key-1', 'BPP', 'http://127.0.0.1:9/u' || i, 'd', 'GBR', 'c',
          'us' || i, 'ue' || i, now(), now() + interval '1 day', 'UNDER_SUBSCRIPTION', now(), now()
        from generate_series(1, ${UNPROVEN}::int) i`.execute(flooded.db);
      await expectTaken(flooded);
      const { rows: left } = await sql<{ n: number }>`
        select count(*)::int as n from subscription where status = 'UNDER_SUBSCRIPTION'`.execute(flooded.db);
      expect(left[0]?.n).to.equal(UNPROVEN);
    });

    it('a full registry says so', async function () {
      thorough.call(this);
      await sql`update subscription set status = 'SUBSCRIBED' where subscriber_id = ${`u${UNPROVEN}`}`.execute(
        flooded.db,
      );
      const full = { status: 503, code: 'AUT_RATE_LIMITED', text: /full/ };
      await expectRegistryRefusal(flooded, full, () => flooded.subscribe(flooded.application()));
      await sql`delete from subscription where subscriber_id = ${`u${UNPROVEN}`}`.execute(flooded.db);
      await expectTaken(flooded);
    });

    describe('from addresses of this machine', () => {
      const ELSEWHERE = '127.0.0.2';
      before(async function () {
        if (!(await canBind(ELSEWHERE))) this.skip();
        flooded.pass(60_000);
      });

      for (const [what, path, atOnce, bytes, expected] of [
        ['applications', '/subscribe', SUBSCRIBE_AT_ONCE, '{"type":"BPP"}', 400],
        ['lookups', '/lookup', LOOKUPS_AT_ONCE, '{"subscriber_id":"nobody.example"}', 200],
      ] as const)
        it(`one sends more ${what} than its share: 429 with when to come again, and another is served`, async function () {
          if (what === 'lookups') thorough.call(this);
          const share = atOnce * ADDRESS_SHARE;
          const send = () => flooded.post(path, Buffer.from(bytes), { localAddress: ELSEWHERE });
          const answers: WireAnswer[] = [];
          while (answers.length < share + 100) answers.push(...(await Promise.all(Array.from({ length: 50 }, send))));
          const limited = answers.filter(({ status }) => status === 429);
          expect(limited.length, 'limited').to.equal(answers.length - share);
          for (const { text, headers } of limited) {
            expect(text).to.match(/AUT_RATE_LIMITED.*from this address; try again in a second/);
            expect(headers.get('retry-after')).to.equal('1');
          }
          expect(answers.filter(({ status }) => status === expected).length).to.equal(answers.length - limited.length);
          expect((await flooded.post(path, Buffer.from(bytes))).status, 'from elsewhere').to.equal(expected);
          flooded.pass(1_000);
          expect((await send()).status, 'a second later').to.equal(expected);
        });

      it('all together send more applications than a network has reason for: 429, and few records', async function () {
        thorough.call(this);
        flooded.pass(60_000);
        const mark = await lastRecordOf(flooded.db);
        const codes: (string | undefined)[] = [];
        for (let i = 0; i < 12; i++) {
          // Each of them what it may.
          const localAddress = `127.0.0.${i + 1}`;
          const bad = () => flooded.subscribe({ type: 'BPP' }, { localAddress });
          const answers = await Promise.all(Array.from({ length: SUBSCRIBE_AT_ONCE * ADDRESS_SHARE }, bad));
          codes.push(...answers.map(({ body }) => body.error?.code));
        }
        const limited = codes.filter((code) => code === 'AUT_RATE_LIMITED').length;
        expect(codes.length - limited).to.equal(SUBSCRIBE_AT_ONCE);
        expect((await recordsOf(flooded.db, mark)).length).to.be.at.most(codes.length);
      });

      it('the largest sandbox starts at one address within its share', async function () {
        thorough.call(this);
        flooded.pass(60_000);
        const participants = scenarioAggregators(MAX_AGGREGATORS).length + 2;
        await Promise.all(Array.from({ length: participants }, () => expectTaken(flooded)));
      });
    });
  });
});
