import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemIds } from '../context.ts';
import {
  MOSQUITTO_FILES,
  type MosquittoOptions,
  mosquittoAcl,
  mosquittoConfig,
  mosquittoPasswords,
} from '../engines/bus/mosquitto.ts';
import type { BusAccount } from '../engines/bus/port.ts';
import { freePort } from '../http/free-port.ts';
import { accepts, type EngineProcess, needsEngine, startEngine, testFolder } from './engine.ts';

export const needsMosquitto = needsEngine('Mosquitto', 'mosquitto');

export interface MosquittoServer extends EngineProcess {
  readonly url: string;
  readonly port: number;
  readonly folder: string;
  /** Writes the accounts again and resolves when Mosquitto has read them. */
  admit(accounts: readonly BusAccount[]): Promise<void>;
  stop(): Promise<void>;
}

export interface MosquittoSetting {
  readonly accounts: readonly BusAccount[];
  readonly port?: number;
  readonly folder?: string;
  readonly tls?: MosquittoOptions['tls'];
  /** Whether who shows no login is let in. */
  readonly anonymous?: boolean;
  /** Further lines of the configuration. */
  readonly more?: readonly string[];
}

const RELOADED = /Reloading config/g;
const RELOAD_MS = 10_000;

/** A Mosquitto with the files that operators are given. Started by root it stays root: its folder is that of a test. */
export async function startMosquitto(setting: MosquittoSetting): Promise<MosquittoServer> {
  const { accounts, tls, anonymous = false, more = [] } = setting;
  const folder = setting.folder ?? testFolder('mosquitto');
  const port = setting.port ?? (await freePort());
  const write = (name: string, text: string) => writeFileSync(join(folder, name), text, { mode: 0o600 });
  const writeAccounts = (all: readonly BusAccount[]) => {
    write(MOSQUITTO_FILES.passwords, mosquittoPasswords(all, systemIds().secret));
    write(MOSQUITTO_FILES.acl, mosquittoAcl(all));
  };
  writeAccounts(accounts);
  const root = process.getuid?.() === 0 ? { user: 'root' } : {};
  const config = mosquittoConfig({ dir: folder, host: '127.0.0.1', port, ...(tls && { tls }), ...root });
  const changed = config.replace('allow_anonymous false', `allow_anonymous ${anonymous}`);
  write(MOSQUITTO_FILES.config, [changed, ...more, ''].join('\n'));
  const engine = await startEngine({
    program: 'mosquitto',
    args: ['-c', join(folder, MOSQUITTO_FILES.config)],
    ready: () => accepts(port),
  });
  return {
    ...engine,
    url: `${tls ? 'mqtts' : 'mqtt'}://127.0.0.1:${port}`,
    port,
    folder,
    async admit(all) {
      writeAccounts(all);
      const before = engine.output().match(RELOADED)?.length ?? 0;
      engine.child.kill('SIGHUP');
      const giveUpAtMs = Date.now() + RELOAD_MS;
      while ((engine.output().match(RELOADED)?.length ?? 0) <= before) {
        if (Date.now() > giveUpAtMs) throw new Error(`Mosquitto did not read its files again: ${engine.output()}`);
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    },
    async stop() {
      await engine.stop();
      if (setting.folder === undefined) rmSync(folder, { recursive: true, force: true });
    },
  };
}
