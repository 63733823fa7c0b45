/** No step of the pipeline is there for show: without it, over HTTP, some attack gets through or some message does not. */

import { subscriberId } from '@flexder/protocol/beckn/identifiers.ts';
import type { Scenario } from '@flexder/protocol/beckn/inbound.fixture.ts';
import { INBOUND_STEPS, type InboundStep } from '@flexder/protocol/beckn/inbound.ts';
import { listen } from '@flexder/runtime/http/listen.ts';
import { BACKLOG_AGE_MS } from '@flexder/runtime/participant/limits.ts';
import { openParticipant } from '@flexder/runtime/participant/open.ts';
import { CITY, COUNTRY, DOMAIN, HOST } from '@flexder/sandbox/network/ids.ts';
import { expect } from 'chai';
import express from 'express';
import { sendScenario } from '../harness/arena.ts';
import type { Address } from '../harness/counterparty.ts';
import { pipelineRows } from '../harness/rows.ts';
import { useArena } from '../harness/shared-arena.ts';

const PROBE = 'probe.example.com';
const BEHIND_MS = Math.ceil(BACKLOG_AGE_MS / 1_000) * 1_000 + 1_000;

/** A row a step at least, in the order of the steps. */
const rows = [
  ...pipelineRows('MSG-08', []),
  ...pipelineRows('SIG-01', []),
  ...pipelineRows('SIG-06', []),
  ...pipelineRows('SIG-21', []),
  ...pipelineRows('SIG-02', []),
  ...pipelineRows('MSG-03', []),
  ...pipelineRows('MSG-05', []),
  ...pipelineRows('SIG-11 meant for another BPP', []),
  ...pipelineRows('NET-04', []),
  ...pipelineRows('MSG-10', []),
];

describe('adversarial: the pipeline without one of its steps', function () {
  this.timeout(60_000);
  const arena = useArena();
  const closing: (() => Promise<void>)[] = [];
  const app = express();
  let origin = '';

  before(async () => {
    const server = await listen(app, { host: HOST, port: 0 });
    closing.push(() => server.close());
    origin = server.url;
  });
  after(async () => {
    for (const close of closing.reverse()) await close();
  });

  interface Probe extends Address {
    /** What comes from now on is not handled until the returned function is called. */
    hold(): () => void;
    /** Time goes on for it. */
    skip(ms: number): void;
  }

  /** A participant with these steps and a handler that does nothing. */
  async function probe(name: string, steps: readonly InboundStep[]): Promise<Probe> {
    const url = `${origin}/${name}`;
    const { registry } = arena().net;
    let [aheadMs, free] = [0, Promise.resolve()];
    const { wall } = arena().net.context;
    const later = { nowMs: () => wall.nowMs() + aheadMs, monotonicMs: () => wall.monotonicMs() + aheadMs };
    const context = { ...arena().net.context, wall: { ...wall, ...later } };
    const place = { registryUrl: registry.url, domain: DOMAIN, country: COUNTRY, city: CITY };
    const config = {
      subscriberId: subscriberId(PROBE),
      type: 'BPP',
      url,
      ...place,
      networkProfile: 'sandbox',
    } as const;
    const participant = await openParticipant<unknown>({ context, config, migrations: {}, steps });
    closing.push(() => participant.close());
    await participant.serve({ select: async () => {} }, { onUndelivered: async () => {}, prepare: () => free });
    app.use(`/${name}`, participant.router);
    return {
      ...{ id: PROBE, url },
      hold() {
        let release = () => {};
        free = new Promise((resolve) => {
          release = resolve;
        });
        return release;
      },
      skip: (ms) => {
        aheadMs += ms;
      },
    };
  }

  function baseline(to: Address): Scenario {
    const scenario = arena().bpp.baseline();
    Object.assign(scenario.message.context, { bpp_id: to.id, bpp_uri: to.url });
    return scenario;
  }
  const verdictOf = async (to: Address, scenario: Scenario) => {
    const { status, body } = await sendScenario(to, scenario);
    return `${status} ${body.error?.code ?? 'ACK'}`;
  };

  /** What each message is answered with, and should be. */
  async function differences(to: Probe): Promise<string[]> {
    const found: string[] = [];
    const note = (name: string, wanted: string, got: string) => {
      if (got !== wanted) found.push(`${name}: ${got}`);
    };
    note('the untouched message', '200 ACK', await verdictOf(to, baseline(to)));
    for (const { id, name, mutate, expect: wanted } of rows) {
      const scenario = baseline(to);
      mutate?.(scenario, arena().bpp);
      note(`${id} ${name}`, `${wanted.status} ${wanted.code}`, await verdictOf(to, scenario));
    }
    const stale = baseline(to);
    stale.message.context.timestamp = new Date(stale.nowMs - 31_000).toISOString();
    note('TXN-07', '400 CTX_STALE', await verdictOf(to, stale));
    const taken = baseline(to);
    await verdictOf(to, taken);
    taken.message.context.ttl = 'PT29S';
    note('TXN-01', '409 DUPLICATE_MESSAGE_ID', await verdictOf(to, taken));
    note('F-06 a backlog too old', '503 NET_DOWNSTREAM_UNAVAILABLE', await whileBehind(to));
    return found;
  }

  /** The answer to a message that comes when an earlier one has waited for longer than any message lives. */
  async function whileBehind(to: Probe): Promise<string> {
    const release = to.hold();
    await verdictOf(to, baseline(to));
    to.skip(BEHIND_MS);
    const late = baseline(to);
    late.createdS += BEHIND_MS / 1000;
    late.expiresS += BEHIND_MS / 1000;
    late.message.context.timestamp = new Date(late.nowMs + BEHIND_MS).toISOString();
    const verdict = await verdictOf(to, late);
    release();
    return verdict;
  }

  it('with all of them every message is answered as it should be', async () => {
    expect(await differences(await probe('all', INBOUND_STEPS))).to.deep.equal([]);
  });

  for (const { name } of INBOUND_STEPS) {
    it(`without ${name} one is not`, async () => {
      const rest = INBOUND_STEPS.filter((step) => step.name !== name);
      expect(await differences(await probe(name, rest))).to.not.be.empty;
    });
  }
});
