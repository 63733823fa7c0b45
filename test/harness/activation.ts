/** One activation of a test network, and what came of it. */
import { tokenSha256 } from '@flexder/runtime/access/people.ts';
import type { TestNetwork } from './network.ts';

const MINUTE_MS = 60_000;

export interface Order {
  readonly obpId: string;
  readonly orderId: string;
  readonly bppId: string;
  readonly transactionId: string;
  readonly topUp: boolean;
  readonly state: string;
  readonly reason: string | null;
  readonly requestedKw: number;
  readonly promisedKw: number;
  readonly devices: { commands: number; accepted: number; rejected: number; optedOut: number; silent: number } | null;
}

export interface Summary {
  readonly overloads: {
    eventId: string;
    state: string;
    peakDuringKw: number;
    limitKw: number;
    requestedKw: number;
    committedKw: number;
  }[];
  readonly commands: number;
  readonly acks: Record<string, number>;
  readonly settlement: { rows: number; totalMwh: string; paymentGbp: string };
  readonly audit: { records: number; verified: boolean };
}

export const ordersOf = async (net: TestNetwork) => (await net.api<{ orders: Order[] }>('/api/v1/orders')).orders;

export async function minutes(net: TestNetwork, count: number): Promise<void> {
  for (let minute = 0; minute < count; minute++) await net.advance(MINUTE_MS);
}

/** The load goes back to normal and every window ends. */
export async function toTheEnd(net: TestNetwork): Promise<void> {
  net.feeder.relax();
  for (let i = 0; i < 24; i++) await net.advance(5 * MINUTE_MS);
}

/** The feeder is pushed over its limit for a minute, and the relief is bought. */
export async function activation(net: TestNetwork, shareOfLimit?: number): Promise<void> {
  await minutes(net, 2);
  net.feeder.push(shareOfLimit);
  await minutes(net, 1);
  net.feeder.relax();
}

const TOKEN = 'the-token-of-olga';
/** Who acts by hand in tests. */
export const OLGA = { name: 'olga', role: 'operator' as const, tokenSha256: tokenSha256(TOKEN) };

/** Proposes an action as olga; confirmed when the function it resolves to is called. */
export async function propose(net: TestNetwork, wanted: object): Promise<() => Promise<Record<string, string>>> {
  const ask = async (path: string, body: object) => {
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${TOKEN}` };
    const answer = await fetch(`${net.bap.url}${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
    return (await answer.json()) as Record<string, string>;
  };
  const { actionId, confirmToken } = await ask('/api/v1/actions', wanted);
  return () => ask(`/api/v1/actions/${actionId}/confirm`, { token: confirmToken });
}

export const pence = (pounds: string | null = '') => Math.round(Number(pounds) * 100);
