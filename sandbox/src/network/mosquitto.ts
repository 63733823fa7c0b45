/** A Mosquitto that runs from a folder of ours, as the broker of a sandbox. */
import { resolve } from 'node:path';
import { Activity } from '@flexder/runtime/activity.ts';
import { systemWallClock } from '@flexder/runtime/clock.ts';
import { systemIds } from '@flexder/runtime/context.ts';
import { mqttBus } from '@flexder/runtime/engines/bus/mqtt.ts';
import type { BusAccount } from '@flexder/runtime/engines/bus/port.ts';
import type { MqttSettings } from '@flexder/runtime/engines/bus/settings.ts';
import { createLogger } from '@flexder/runtime/logging.ts';
import { accountFiles, keepOwner, reload, writeFolder } from '../serve/mosquitto-folder.ts';
import type { OutsideBroker } from './broker.ts';

/** Mosquitto reads the accounts of ten thousand devices in a few seconds. */
const ADMIT_MS = 60_000;
const POLL_MS = 50;
const PLAIN: MqttSettings = { version: 'auto', profile: 'sandbox' };

/** Its accounts become those of the sandbox. `dir` is what `flexder broker mosquitto` wrote, `url` where it listens. */
export function mosquittoIn(dir: string, url: string, mqtt: MqttSettings = PLAIN): OutsideBroker {
  const folder = resolve(dir);
  const wall = systemWallClock();
  const bus = mqttBus(url, { wall, log: createLogger('sandbox', 'silent'), activity: new Activity() }, mqtt);
  const enters = async ({ username, password }: BusAccount): Promise<boolean> => {
    try {
      const client = await bus.connect({ clientId: 'admitted', instance: systemIds().uuid(), username, password });
      await client.close();
      return true;
    } catch {
      return false;
    }
  };
  return {
    url,
    mqtt,
    async admit(accounts) {
      const files = accountFiles(folder, accounts, systemIds().secret);
      writeFolder(folder, files);
      keepOwner(folder, files);
      if (!reload(folder, (pid, name) => process.kill(pid, name)))
        throw new Error(`no Mosquitto runs from ${folder}: start it with mosquitto -c ${folder}/mosquitto.conf`);
      const last = accounts.at(-1);
      const giveUpAtMs = wall.monotonicMs() + ADMIT_MS;
      while (last && !(await enters(last))) {
        if (wall.monotonicMs() > giveUpAtMs)
          throw new Error(`Mosquitto at ${url} does not let ${last.username} in within ${ADMIT_MS} ms`);
        await wall.sleep(POLL_MS);
      }
    },
  };
}
