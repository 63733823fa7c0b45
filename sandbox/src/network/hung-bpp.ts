import { subscriberId } from '@flexder/protocol/beckn/identifiers.ts';
import { encodeCatalogue } from '@flexder/protocol/flexibility/codec-v1.ts';
import { listen } from '@flexder/runtime/http/listen.ts';
import { openParticipant, type ParticipantTables } from '@flexder/runtime/participant/open.ts';
import type { ActionHandler } from '@flexder/runtime/participant/types.ts';
import express from 'express';
import { CITY, COUNTRY, DOMAIN, HOST } from './ids.ts';
import type { Network } from './network.ts';

const ANSWER_TTL_MS = 30_000;

export interface HungBpp {
  /** Beckn messages it took and never answered, not even with an ACK. */
  readonly taken: number;
  /** Set to false it answers every search like others, and has nothing to sell. */
  hangs: boolean;
  close(): Promise<void>;
}

/** A BPP that is subscribed like any other, accepts every connection, and answers none of its messages while it hangs. */
export async function startHungBpp(network: Pick<Network, 'context' | 'registry'>, id: string): Promise<HungBpp> {
  const { context, registry } = network;
  let [taken, hangs] = [0, true];
  const app = express();
  app.use('/beckn', (request, _response, next) => {
    if (!hangs || request.path === '/on_subscribe') next();
    else taken++;
  });
  const server = await listen(app, { host: HOST, port: 0, wall: context.wall });
  const participant = await openParticipant({
    context,
    config: {
      subscriberId: subscriberId(id),
      type: 'BPP',
      url: `${server.url}/beckn`,
      registryUrl: registry.url,
      domain: DOMAIN,
      country: COUNTRY,
      city: CITY,
      networkProfile: 'sandbox',
    },
    migrations: {},
  });
  app.use('/beckn', participant.router);
  await participant.serve({ search: nothingToSell(id) }, { onUndelivered: async () => {} });
  await participant.subscribe();
  return {
    get taken() {
      return taken;
    },
    get hangs() {
      return hangs;
    },
    set hangs(value) {
      hangs = value;
    },
    async close() {
      await server.close();
      await participant.close();
    },
  };
}

function nothingToSell(id: string): ActionHandler<ParticipantTables> {
  return async (work, { signerId, body: { context } }) => {
    await work.send({
      action: 'on_search',
      to: signerId,
      toType: 'BAP',
      transactionId: context.transaction_id,
      messageId: context.message_id,
      ttlMs: ANSWER_TTL_MS,
      message: encodeCatalogue(id, id, []),
    });
  };
}
