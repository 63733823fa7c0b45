/** The devices of the fleet bench as the first process sees them. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { FieldFleet } from '@flexder/sandbox/network/field.ts';
import type { DevicesAnswer, DevicesRequest, DevicesStart } from './fleet-devices.ts';

export interface RemoteFleet extends FieldFleet {
  start(start: DevicesStart): Promise<void>;
  /** Lifts the feeder's load to this share of its limit; null lowers it again. */
  load(share: number | null): Promise<void>;
  /** Waits until the devices are quiet; returns how many messages they have sent and received. */
  settle(): Promise<number>;
  readonly memoryMb: number;
}

/**
 * Starts this very command again, for the devices. Between their readings and those of the feeders `quiet` is waited for:
 * a fleet's readings come spread over a minute, and no feeder's comes right behind all of them.
 */
export async function spawnDevices(quiet: () => Promise<void>): Promise<RemoteFleet> {
  const args = [...process.execArgv, process.argv[1]!, 'bench', 'devices'];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const answers = answersOf(child);
  await answers.next();
  let last: DevicesAnswer = { counts: null, messages: 0, memoryMb: 0 };
  let turn: Promise<unknown> = Promise.resolve();
  /** One question after the other. */
  const ask = (request: DevicesRequest): Promise<DevicesAnswer> => {
    const mine = turn.then(async () => {
      child.send(request);
      last = await answers.next();
      if (last.error !== undefined) throw new Error(`the devices could not ${request.ask}: ${last.error}`);
      return last;
    });
    turn = mine.catch(() => {});
    return mine;
  };
  const asked = async (request: DevicesRequest) => void (await ask(request));
  return {
    start: (start) => asked({ ask: 'start', ...start }),
    load: (share) => asked({ ask: 'load', share }),
    async step(toMs) {
      await asked({ ask: 'step', toMs });
      await quiet();
      await asked({ ask: 'feeders' });
    },
    settle: async () => (await ask({ ask: 'settle' })).messages,
    get counts() {
      return last.counts!;
    },
    feederKw: new Map(),
    get memoryMb() {
      return last.memoryMb;
    },
    async close() {
      if (child.exitCode !== null) return;
      const exited = once(child, 'exit');
      await asked({ ask: 'close' }).catch(() => child.kill());
      await exited;
    },
  };
}

/** What the child says, one by one; rejects once it has ended. */
function answersOf(child: ChildProcess) {
  let waiting: { resolve(answer: DevicesAnswer): void; reject(error: Error): void } | undefined;
  let gone: Error | undefined;
  child.on('message', (answer: DevicesAnswer) => waiting?.resolve(answer));
  child.on('exit', (code) => {
    gone = new Error(`the process of the devices ended with ${code}`);
    waiting?.reject(gone);
  });
  return {
    next: () =>
      new Promise<DevicesAnswer>((resolve, reject) => {
        if (gone) reject(gone);
        else waiting = { resolve, reject };
      }),
  };
}
