import { subscriberId } from '@flexder/protocol/beckn/identifiers.ts';
import { listen } from '@flexder/runtime/http/listen.ts';
import { openParticipant } from '@flexder/runtime/participant/open.ts';
import express from 'express';
import { CITY, COUNTRY, DOMAIN, HOST } from './ids.ts';
import type { Network } from './network.ts';

export interface HungBpp {
  /** Beckn messages it took and never answered, not even with an ACK. */
  readonly taken: number;
  close(): Promise<void>;
}

/** A BPP that is subscribed like any other, accepts every connection, and answers none of its messages. */
export async function startHungBpp(network: Pick<Network, 'context' | 'registry'>, id: string): Promise<HungBpp> {
  const { context, registry } = network;
  let taken = 0;
  const app = express();
  app.use('/beckn', (request, _response, next) => {
    if (request.path === '/on_subscribe') next();
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
  await participant.subscribe();
  return {
    get taken() {
      return taken;
    },
    async close() {
      await server.close();
      await participant.close();
    },
  };
}
