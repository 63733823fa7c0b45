/** Who speaks on the device bus of a plan, with passwords nobody chose. */
import { derId, feederId, subscriberId } from '@flexder/protocol/beckn/identifiers.ts';
import { aggregatorAccount, deviceAccount, dsoAccount, rtuAccount } from '@flexder/runtime/engines/bus/accounts.ts';
import type { BusAccount } from '@flexder/runtime/engines/bus/port.ts';
import { DSO_ID } from '../../network/ids.ts';
import type { Scenario } from '../../scenario/types.ts';

export interface Bus {
  readonly accounts: readonly BusAccount[];
  readonly dso: BusAccount;
  /** In the order of the scenario. */
  readonly aggregators: readonly BusAccount[];
  /** Of devices by DER id, of feeders by feeder id. */
  readonly logins: Readonly<Record<string, { readonly username: string; readonly password: string }>>;
}

export function busAccounts(scenario: Scenario, secret: () => string): Bus {
  const dsoId = subscriberId(DSO_ID);
  const dso = dsoAccount(dsoId, secret());
  const aggregators = scenario.aggregators.map((one) => aggregatorAccount(subscriberId(one.subscriberId), secret()));
  const things = [
    ...scenario.ders.map((der): [string, BusAccount] => [
      der.derId,
      deviceAccount(subscriberId(der.aggregatorId), derId(der.derId), secret()),
    ]),
    ...scenario.feeders.map((one): [string, BusAccount] => [
      one.feederId,
      rtuAccount(dsoId, feederId(one.feederId), secret()),
    ]),
  ];
  return {
    accounts: [dso, ...aggregators, ...things.map(([, account]) => account)],
    dso,
    aggregators,
    logins: Object.fromEntries(things.map(([id, { username, password }]) => [id, { username, password }])),
  };
}
