/** The broker of a sandbox: its own, or one that runs somewhere and is told the accounts. */
import { memoryAccounts } from '@flexder/runtime/engines/bus/accounts.ts';
import { type Broker, startBroker } from '@flexder/runtime/engines/bus/broker.ts';
import type { BusAccount } from '@flexder/runtime/engines/bus/port.ts';
import type { MqttSettings } from '@flexder/runtime/engines/bus/settings.ts';
import type { Logger } from '@flexder/runtime/logging.ts';
import { HOST } from './ids.ts';

export interface FieldBroker {
  readonly url: string;
  /** How it is spoken to; absent for the embedded one. */
  readonly mqtt?: MqttSettings;
  add(...accounts: BusAccount[]): void;
  /** Resolves when everybody added so far is let in. */
  admitted(): Promise<void>;
}

/** A broker outside this process. */
export interface OutsideBroker {
  readonly url: string;
  readonly mqtt: MqttSettings;
  /** Lets exactly these in; resolves when it does. */
  admit(accounts: readonly BusAccount[]): Promise<void>;
}

export async function embeddedBroker(log: Logger): Promise<FieldBroker & Pick<Broker, 'close'>> {
  const accounts = memoryAccounts();
  const { url, close } = await startBroker({ host: HOST, port: 0, accounts, log });
  return { url, close, add: accounts.add, admitted: async () => {} };
}

export function outsideBroker({ url, mqtt, admit }: OutsideBroker): FieldBroker {
  const accounts: BusAccount[] = [];
  let known = 0;
  let turn: Promise<void> = Promise.resolve();
  return {
    url,
    mqtt,
    add: (...added) => void accounts.push(...added),
    /** One telling after the other; who waits for a telling that covers its account waits for no second one. */
    admitted() {
      const wanted = accounts.length;
      const mine = turn.then(async () => {
        if (known >= wanted) return;
        const told = [...accounts];
        await admit(told);
        known = told.length;
      });
      turn = mine.catch(() => {});
      return mine;
    },
  };
}
