import { deviceAccount } from '@flexder/runtime/engines/bus/accounts.ts';
import type { BusAccount } from '@flexder/runtime/engines/bus/port.ts';
import { storeHashes } from '../charge-points/accounts.ts';
import { ConfigError, portfolioSchema } from '../config.ts';
import type { Rooms } from '../context.ts';
import type { PortfolioDer } from '../portfolio/der.ts';
import { enterPortfolio } from '../portfolio/store.ts';
import { now } from './changes.ts';

/** 144 bits, 24 characters: nobody guesses it, and it fits a device's configuration. */
const PASSWORD_BYTES = 18;

/**
 * Takes devices into the portfolio and gives each a bus account of its own, whose password is told here once and kept
 * nowhere: enrolling a device again gives it another. Throws a ConfigError that names what is wrong with which device.
 */
export async function enrol(rooms: Rooms, ders: readonly PortfolioDer[]): Promise<BusAccount[]> {
  const parsed = portfolioSchema.safeParse(ders);
  if (!parsed.success) {
    const sentences = parsed.error.issues.slice(0, 20).map((issue) => `${issue.path.join('.')}: ${issue.message}.`);
    throw new ConfigError(`These devices cannot be enrolled.\n${sentences.join('\n')}`);
  }
  await enterPortfolio(rooms.database, rooms.fleet, ders, now(rooms));
  const accounts = ders.map((der) => deviceAccount(rooms.config.subscriberId, der.derId, passwordFor(rooms)));
  await storeHashes(rooms.database, accounts);
  return accounts;
}

function passwordFor({ context }: Rooms): string {
  return Buffer.from(context.ids.secret(PASSWORD_BYTES)).toString('base64url');
}
