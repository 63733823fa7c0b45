/** Senders nobody knows by the thousand, a registry that lies, and one that is away. */

import { type AddressInfo, createServer } from 'node:net';
import type { KeyId } from '@flexder/protocol/beckn/identifiers.ts';
import { generateKeys } from '@flexder/protocol/beckn/keys.ts';
import { type Answer, post, send, sign, statusBody } from '@flexder/registry-mock/testing/messages.ts';
import { type Network, newKeys, openNetwork, type Peer } from '@flexder/registry-mock/testing/network.ts';
import {
  type Outbound,
  OutboundError,
  type OutboundRequest,
  type OutboundResponse,
} from '@flexder/runtime/http/outbound.ts';
import {
  KEY_REFRESH_MS,
  KEY_STALE_MS,
  REJECTIONS_AT_ONCE,
  UNKNOWN_LOOKUPS_AT_ONCE,
} from '@flexder/runtime/participant/limits.ts';
import type { ParticipantTables } from '@flexder/runtime/participant/open.ts';
import { thorough } from '@flexder/runtime/testing/thorough.ts';
import { expect } from 'chai';
import type { Kysely } from 'kysely';
import { lastRecord, recordsAfter, type Tables } from '../harness/watch.ts';

type Entry = Record<string, unknown>;

describe('adversarial: what the registry is asked, and what it says', function () {
  this.timeout(60_000);
  let network: Network;
  let buyer: Peer;
  let stranger: Peer;
  let seller: Peer;
  const handled: string[] = [];
  /** What comes between the seller and the registry. */
  let meddle: ((records: Entry[]) => unknown) | 'away' | 'slow' | undefined;
  let lookups = 0;
  let aheadMs = 0;
  /** The seller's monotonic time when it stands still: what is allowed per second is then what is allowed at once. */
  let stillMs: number | undefined;

  before(async function () {
    thorough.call(this);
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    hanging = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`;
    allow = { profile: 'sandbox', sandboxOrigins: new Set([hanging]) };
    network = await openNetwork();
    buyer = await network.peer({ id: 'buyer.example', type: 'BAP' });
    stranger = await network.peer({ id: 'stranger.example', type: 'BAP' });
    const { http, wall } = network.context('seller.example');
    const later = { ...wall, monotonicMs: () => stillMs ?? wall.monotonicMs() + aheadMs };
    seller = await network.peer({ id: 'seller.example', type: 'BPP', context: { http: between(http), wall: later } });
    await seller.participant.serve(
      { status: async (_work, { signerId }) => void handled.push(signerId) },
      { onUndelivered: async () => {} },
    );
  });
  after(async () => {
    await network?.close();
    silent.close();
  });
  beforeEach(() => {
    handled.length = 0;
    meddle = undefined;
    stillMs = undefined;
  });

  /** A place that accepts and says nothing. */
  let hanging = '';
  let allow: OutboundRequest['allow'];
  const silent = createServer(() => {});
  const between = (http: Outbound): Outbound => ({
    ...http,
    async request(url, options): Promise<OutboundResponse> {
      if (!url.endsWith('/lookup')) return http.request(url, options);
      lookups++;
      if (meddle === 'away') throw new OutboundError('connect', 'nobody is there');
      // A tenth of its bound: how long that is, is not what is asked here.
      if (meddle === 'slow')
        return network.context('slow').http.request(hanging, { ...options, timeoutMs: 300, allow });
      const response = await http.request(url, options);
      if (!meddle) return response;
      const said = meddle(JSON.parse(Buffer.from(response.body).toString('utf8')) as Entry[]);
      return { ...response, body: Buffer.from(typeof said === 'string' ? said : JSON.stringify(said)) };
    },
  });
  const tables = () => seller.participant.database as unknown as Kysely<ParticipantTables> & Tables;

  /** A message of `id`, signed with these keys; the context names the buyer's address. */
  async function signedBy(id: string, keys = newKeys()): Promise<Answer> {
    const bytes = Buffer.from(JSON.stringify(statusBody(buyer, seller, { bap_id: id })));
    return post(`${seller.config.url}/status`, bytes, { authorization: sign(bytes, id, keys) });
  }
  const saidOf = ({ status, body }: Answer) => [status, body.error?.code ?? body.message?.ack?.status];
  const ACCEPTED = [200, 'ACK'];

  /** Nothing was handled, and there is one record of the refusal. */
  async function refused(expected: readonly [number, string], attack: () => Promise<Answer>): Promise<void> {
    const mark = await lastRecord(tables());
    expect(saidOf(await attack())).to.deep.equal(expected);
    await seller.context.activity.idle();
    expect(handled).to.deep.equal([]);
    expect((await recordsAfter(tables(), mark)).map(({ code }) => code)).to.deep.equal([expected[1]]);
  }

  describe('REG-02 a lookup that is answered with', () => {
    const lies: readonly { what: string; lie: (records: Entry[]) => unknown; code: string; status: number }[] = [
      {
        what: 'another subscriber of the same name but for case',
        lie: (records) => records.map((one) => ({ ...one, subscriber_id: String(one.subscriber_id).toUpperCase() })),
        ...{ status: 401, code: 'AUT_SUBSCRIBER_NOT_FOUND' },
      },
      {
        what: 'somebody else, whose key it is',
        lie: (records) => records.map((one) => ({ ...one, subscriber_id: 'evil.example' })),
        ...{ status: 401, code: 'AUT_SUBSCRIBER_NOT_FOUND' },
      },
      { what: 'nobody', lie: () => [], status: 401, code: 'AUT_SUBSCRIBER_NOT_FOUND' },
      {
        what: 'another key id',
        lie: (records) => records.map((one) => ({ ...one, key_id: 'key-7', unique_key_id: 'key-7', ukId: 'key-7' })),
        ...{ status: 401, code: 'AUT_KEY_NOT_FOUND' },
      },
      {
        what: 'another key',
        lie: (records) => records.map((one) => ({ ...one, signing_public_key: generateKeys().signingPublicKey })),
        ...{ status: 401, code: 'AUT_SIGNATURE_INVALID' },
      },
      {
        what: 'no key',
        lie: (records) => records.map((one) => ({ ...one, signing_public_key: undefined })),
        ...{ status: 401, code: 'AUT_SUBSCRIBER_NOT_FOUND' },
      },
      {
        what: 'another address',
        lie: (records) => records.map((one) => ({ ...one, url: 'http://127.0.0.1:9/evil' })),
        ...{ status: 400, code: 'CTX_COUNTERPARTY_URL' },
      },
      {
        what: 'an address that is none',
        lie: (records) => records.map((one) => ({ ...one, url: 'file:///etc/passwd', subscriber_url: 'file:///x' })),
        ...{ status: 401, code: 'AUT_SUBSCRIBER_NOT_FOUND' },
      },
      { what: 'no list', lie: () => ({ records: [] }), status: 503, code: 'NET_DOWNSTREAM_UNAVAILABLE' },
      { what: 'no JSON', lie: () => '<html>', status: 503, code: 'NET_DOWNSTREAM_UNAVAILABLE' },
      { what: 'null', lie: () => null, status: 503, code: 'NET_DOWNSTREAM_UNAVAILABLE' },
      { what: 'a list of nothing', lie: () => [null, 1, 'x', []], status: 401, code: 'AUT_SUBSCRIBER_NOT_FOUND' },
    ];
    for (const [index, { what, lie, status, code }] of lies.entries()) {
      it(`${what}: ${status} ${code}`, async () => {
        // Somebody new each time, of whom nothing is cached.
        const sender = await network.peer({ id: `sender-${index}.example`, type: 'BAP' });
        const say = () => send(sender, seller, 'status', statusBody(sender, seller));
        meddle = lie;
        await refused([status, code], say);
        await sender.close();
      });
    }

    it('the truth, the twin: accepted', async () => {
      meddle = (records) => records;
      expect(saidOf(await send(stranger, seller, 'status', statusBody(stranger, seller)))).to.deep.equal(ACCEPTED);
      await seller.context.activity.idle();
      expect(handled).to.deep.equal(['stranger.example']);
    });
  });

  describe('REG-04 a registry that is away', () => {
    it('who is known is still accepted for a while, who is not is told to come again, and nobody is let in unverified', async () => {
      const fresh = await network.peer({ id: 'fresh.example', type: 'BAP' });
      expect(saidOf(await send(buyer, seller, 'status', statusBody(buyer, seller)))).to.deep.equal(ACCEPTED);
      await seller.context.activity.idle();
      meddle = 'away';
      aheadMs += 10 * KEY_REFRESH_MS;
      expect(saidOf(await send(buyer, seller, 'status', statusBody(buyer, seller))), 'known').to.deep.equal(ACCEPTED);
      await seller.context.activity.idle();
      handled.length = 0;
      const unavailable = [503, 'NET_DOWNSTREAM_UNAVAILABLE'] as const;
      await refused(unavailable, () => send(fresh, seller, 'status', statusBody(fresh, seller)));
      await refused([401, 'AUT_SIGNATURE_INVALID'], () => signedBy('buyer.example'));
      aheadMs += KEY_STALE_MS;
      await refused(unavailable, () => send(buyer, seller, 'status', statusBody(buyer, seller)));
      meddle = undefined;
      expect(saidOf(await send(buyer, seller, 'status', statusBody(buyer, seller))), 'back').to.deep.equal(ACCEPTED);
      expect(saidOf(await send(fresh, seller, 'status', statusBody(fresh, seller))), 'new').to.deep.equal(ACCEPTED);
    });
  });

  it('REG-04 a registry that never answers: who is not known is told to come again, who is known is served', async () => {
    const late = await network.peer({ id: 'late.example', type: 'BAP' });
    expect(saidOf(await send(buyer, seller, 'status', statusBody(buyer, seller)))).to.deep.equal(ACCEPTED);
    await seller.context.activity.idle();
    handled.length = 0;
    meddle = 'slow';
    await refused([503, 'NET_DOWNSTREAM_UNAVAILABLE'], () => send(late, seller, 'status', statusBody(late, seller)));
    const known = await send(buyer, seller, 'status', statusBody(buyer, seller));
    expect(saidOf(known), known.body.error?.message).to.deep.equal(ACCEPTED);
    meddle = undefined;
    expect(saidOf(await send(late, seller, 'status', statusBody(late, seller))), 'the twin').to.deep.equal(ACCEPTED);
    await seller.context.activity.idle();
  });

  describe('SIG-23 senders nobody knows, by the thousand', () => {
    const FLOOD = 300;
    const keys = newKeys();
    for (const [name, code, of] of [
      ['other subscribers', '401 AUT_SUBSCRIBER_NOT_FOUND', (i: number) => signedBy(`flood-${i}.example`, keys)],
      [
        'other keys of a subscriber that is known',
        '401 AUT_KEY_NOT_FOUND',
        (i: number) => signedBy('buyer.example', { ...keys, keyId: `key-${i + 100}` as KeyId }),
      ],
    ] as const) {
      it(`${name}: few are looked up, all are refused, and who is known is served`, async () => {
        // What an earlier flood took is there again.
        aheadMs += 60_000;
        expect(saidOf(await send(buyer, seller, 'status', statusBody(buyer, seller)))).to.deep.equal(ACCEPTED);
        await seller.context.activity.idle();
        handled.length = 0;
        stillMs = seller.context.wall.monotonicMs();
        const [before, mark] = [lookups, await lastRecord(tables())];
        const said = new Map<string, number>();
        for (let i = 0; i < FLOOD; i += 100) {
          const answers = await Promise.all(Array.from({ length: 100 }, (_, k) => of(i + k)));
          for (const answer of answers) {
            const key = saidOf(answer).join(' ');
            said.set(key, (said.get(key) ?? 0) + 1);
          }
        }
        const known = await send(buyer, seller, 'status', statusBody(buyer, seller));
        expect(saidOf(known), 'who is known').to.deep.equal(ACCEPTED);
        expect(lookups - before, 'lookups').to.be.at.most(UNKNOWN_LOOKUPS_AT_ONCE);
        const [limited, unknown] = [said.get('429 AUT_RATE_LIMITED') ?? 0, said.get(code) ?? 0];
        expect(limited + unknown).to.equal(FLOOD);
        // Who asks at the same time for keys of one subscriber shares one lookup: then none is told to wait.
        if (code === '401 AUT_SUBSCRIBER_NOT_FOUND') expect(limited).to.be.at.least(FLOOD - UNKNOWN_LOOKUPS_AT_ONCE);
        await seller.context.activity.idle();
        expect(handled).to.deep.equal(['buyer.example']);
        const records = await recordsAfter(tables(), mark);
        expect(records.length).to.be.at.most(Math.min(FLOOD, REJECTIONS_AT_ONCE) + 2);
        expect(records.filter(({ decision }) => decision?.startsWith('rate:'))).to.have.length(limited);
      });
    }
  });
});
