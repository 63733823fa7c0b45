import { createHash, timingSafeEqual } from 'node:crypto';
import type { DerId, FeederId, SubscriberId } from '@flexder/protocol/beckn/identifiers.ts';
import type { BusAccount } from './port.ts';
import { deviceFilter, deviceTopic, feederFilter, feederTopic } from './topics.ts';

/** A device publishes as itself and receives its own commands; nothing else. */
export function deviceAccount(aggregatorId: SubscriberId, derId: DerId, password: string): BusAccount {
  return {
    username: `der/${aggregatorId}/${derId}`,
    password,
    publish: (['birth', 'ack', 'telemetry', 'state'] as const).map((kind) => deviceTopic(aggregatorId, derId, kind)),
    subscribe: [deviceTopic(aggregatorId, derId, 'cmd')],
  };
}

/** An aggregator commands its own devices and hears them. */
export function aggregatorAccount(aggregatorId: SubscriberId, password: string): BusAccount {
  return {
    username: `aggregator/${aggregatorId}`,
    password,
    publish: [deviceFilter(aggregatorId, 'cmd')],
    subscribe: (['birth', 'ack', 'telemetry', 'state'] as const).map((kind) => deviceFilter(aggregatorId, kind)),
  };
}

/** The remote terminal unit of one feeder publishes its measurements. */
export function rtuAccount(dsoId: SubscriberId, feederId: FeederId, password: string): BusAccount {
  return {
    username: `rtu/${dsoId}/${feederId}`,
    password,
    publish: [feederTopic(dsoId, feederId)],
    subscribe: [],
  };
}

/** A DSO hears its feeders. */
export function dsoAccount(dsoId: SubscriberId, password: string): BusAccount {
  return { username: `dso/${dsoId}`, password, publish: [], subscribe: [feederFilter(dsoId)] };
}

export interface AccountDirectory {
  find(username: string): BusAccount | undefined;
}

export interface MemoryAccounts extends AccountDirectory {
  add(...accounts: BusAccount[]): void;
  remove(username: string): void;
}

export function memoryAccounts(): MemoryAccounts {
  const accounts = new Map<string, BusAccount>();
  return {
    find: (username) => accounts.get(username),
    add(...added) {
      for (const account of added) accounts.set(account.username, account);
    },
    remove: (username) => void accounts.delete(username),
  };
}

const digest = (secret: string | Uint8Array) => createHash('sha256').update(secret).digest();

/** Compares in a time that says nothing of how much was right. */
export function hasPassword(account: BusAccount, given: Uint8Array): boolean {
  return account.password !== '' && timingSafeEqual(digest(account.password), digest(given));
}
