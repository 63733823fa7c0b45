/** The time between a port that is bound and a service that is there. */
import { nack } from '@flexder/protocol/beckn/envelope.ts';
import type { RequestHandler } from 'express';

export interface Opening {
  /** Stands before the routes that are mounted later, behind those that answer from the start. */
  readonly door: RequestHandler;
  /** Every route is mounted. */
  open(): void;
}

/**
 * A service has to be bound to its port before it knows the address it registers, and peers call it from then on. A 404
 * would be their last word; 503 has them try again.
 */
export function opening(): Opening {
  let isOpen = false;
  return {
    door(_request, response, next) {
      if (isOpen) return next();
      response.setHeader('retry-after', '1');
      response.status(503).json(nack('NET_DOWNSTREAM_UNAVAILABLE', 'this participant is starting; try again'));
    },
    open() {
      isOpen = true;
    },
  };
}
