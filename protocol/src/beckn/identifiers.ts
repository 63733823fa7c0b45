/**
 * Identifiers that cross a trust boundary, parsed once at the edge.
 *
 * One pattern for all of them: it admits no MQTT wildcard or separator, no path or line break and no
 * markup, so an identifier that was parsed can stand in a topic, a URL path, a log line or a CSV cell.
 */
declare const brand: unique symbol;
type Branded<Name extends string> = string & { readonly [brand]: Name };

export type SubscriberId = Branded<'SubscriberId'>;
export type KeyId = Branded<'KeyId'>;
export type DerId = Branded<'DerId'>;
export type FeederId = Branded<'FeederId'>;
export type EventId = Branded<'EventId'>;
export type ObpId = Branded<'ObpId'>;
export type OrderId = Branded<'OrderId'>;
export type CommandId = Branded<'CommandId'>;
export type TransactionId = Branded<'TransactionId'>;
export type MessageId = Branded<'MessageId'>;

/** 1 to 128 of letters, digits, dot, underscore and hyphen; the first is a letter or a digit. */
export const IDENTIFIER_PATTERN = '^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$';
const identifier = new RegExp(IDENTIFIER_PATTERN);
const reserved = new Set(['null', 'undefined', '__proto__', 'constructor', 'prototype']);

export function isIdentifier(value: unknown): value is string {
  return typeof value === 'string' && identifier.test(value) && !reserved.has(value);
}

export class IdentifierError extends Error {
  override name = 'IdentifierError';
}

function parser<Id extends string>(what: string) {
  return (value: unknown): Id => {
    if (isIdentifier(value)) return value as Id;
    const shown = JSON.stringify(typeof value === 'string' ? value.slice(0, 40) : value);
    throw new IdentifierError(`${what} ${shown} is not an identifier: expected ${IDENTIFIER_PATTERN}`);
  };
}

export const subscriberId = parser<SubscriberId>('subscriber id');
export const keyId = parser<KeyId>('key id');
export const derId = parser<DerId>('DER id');
export const feederId = parser<FeederId>('feeder id');
export const eventId = parser<EventId>('event id');
export const obpId = parser<ObpId>('OBP id');
export const orderId = parser<OrderId>('order id');
export const commandId = parser<CommandId>('command id');
export const transactionId = parser<TransactionId>('transaction id');
export const messageId = parser<MessageId>('message id');
