/** One order of many devices, commanded by several processes through the job queue, beside one process. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { batchOf } from '@flexder/bpp-aggregator/dispatch/dispatcher.ts';
import { subscriberId } from '@flexder/protocol/beckn/identifiers.ts';
import { Activity } from '@flexder/runtime/activity.ts';
import { systemWallClock } from '@flexder/runtime/clock.ts';
import { aggregatorAccount, memoryAccounts } from '@flexder/runtime/engines/bus/accounts.ts';
import { startBroker } from '@flexder/runtime/engines/bus/broker.ts';
import { mqttBus } from '@flexder/runtime/engines/bus/mqtt.ts';
import { createLogger } from '@flexder/runtime/logging.ts';
import { type FanOutPlace, fanOutJobs, openFanOut, placeOrder, timesOf } from './fan-out-process.ts';
import { roundedPercentiles } from './report.ts';

export interface FanOutOptions {
  readonly ders: number;
  readonly processes: number;
  /** `postgres://`, which all processes share. */
  readonly databaseUrl: string;
  readonly queueUrl: string;
  /** Arguments of node that start a process which calls `runFanOutProcess` with what follows them. */
  readonly startProcess: readonly string[];
}

const PATIENCE_MS = 300_000;
const POLL_MS = 100;
const ROUNDS = 3;

/** Commands per second, and how long after the confirm each command was handed to the broker; the median of three rounds. */
export async function benchFanOut(options: FanOutOptions, say: (line: string) => void): Promise<object> {
  const one = await measure({ ...options, processes: 1 }, say);
  const several = await measure(options, say);
  return { bench: 'fan-out', ders: options.ders, batch: batchOf(options.ders), one, several };
}

async function measure(options: FanOutOptions, say: (line: string) => void) {
  const wall = systemWallClock();
  const log = createLogger('bench', 'error');
  const aggregator = subscriberId(`bench-${options.processes}-${Math.round(wall.nowMs())}`);
  const account = aggregatorAccount(aggregator, 'bench');
  const accounts = memoryAccounts();
  accounts.add(account, { username: 'devices', password: 'bench', publish: [], subscribe: ['flex/v1/#'] });
  const broker = await startBroker({ host: '127.0.0.1', port: 0, accounts, log });
  const bus = mqttBus(broker.url, { wall, log, activity: new Activity() });
  const devices = await bus.connect({ clientId: 'devices', username: 'devices', password: 'bench' });
  const heard = new Map<string, number>();
  await devices.subscribe(`flex/v1/${aggregator}/+/cmd`, ({ payload }) => {
    const { command_id } = JSON.parse(Buffer.from(payload).toString('utf8')) as { command_id: string };
    heard.set(command_id, (heard.get(command_id) ?? 0) + 1);
  });
  const { databaseUrl, queueUrl } = options;
  const place: FanOutPlace = { aggregator, databaseUrl, queueUrl, mqttUrl: broker.url, password: account.password };
  const here = await openFanOut(place, false);
  const children: ChildProcess[] = [];
  try {
    for (let i = 0; i < options.processes; i++) children.push(await startProcess(options.startProcess, place));
    const rounds = [];
    for (let round = 0; round < ROUNDS; round++) {
      heard.clear();
      const orderNo = await placeOrder(here, options.ders, round);
      const confirmedMs = wall.nowMs();
      await here.queue.add(fanOutJobs(orderNo, options.ders));
      const sentMs = await allSent(here, orderNo, options.ders, wall);
      const afterMs = sentMs.map((atMs) => atMs - confirmedMs);
      const lastMs = Math.max(...afterMs);
      const twice = [...heard.values()].filter((times) => times > 1).length;
      rounds.push({
        lastMs,
        perSecond: Math.round((options.ders / lastMs) * 1_000),
        afterMs,
        heard: heard.size,
        twice,
      });
      say(
        `${options.processes} processes: ${options.ders} commands in ${lastMs} ms, ${heard.size} heard, ${twice} twice`,
      );
    }
    const median = rounds.sort((a, b) => a.lastMs - b.lastMs)[Math.floor(ROUNDS / 2)]!;
    const { afterMs, ...figures } = median;
    return { processes: options.processes, ...figures, afterConfirmMs: roundedPercentiles(afterMs) };
  } finally {
    for (const child of children) await ended(child);
    await here.close();
    await devices.close();
    await broker.close();
  }
}

async function startProcess(how: readonly string[], place: FanOutPlace): Promise<ChildProcess> {
  const child = spawn(process.execPath, [...how, JSON.stringify(place)], { stdio: ['pipe', 'pipe', 'inherit'] });
  const [line] = await Promise.race([
    once(createInterface({ input: child.stdout! }), 'line'),
    once(child, 'exit').then(([code]) => {
      throw new Error(`a process of the bench ended with ${code}`);
    }),
  ]);
  if (line !== 'ready') throw new Error(`a process of the bench said ${line}`);
  return child;
}

/** It ends with its standard input. */
async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const exit = once(child, 'exit');
  child.stdin?.end();
  await exit;
}

async function allSent(
  here: Awaited<ReturnType<typeof openFanOut>>,
  orderNo: number,
  count: number,
  wall: ReturnType<typeof systemWallClock>,
): Promise<number[]> {
  const giveUpAtMs = wall.monotonicMs() + PATIENCE_MS;
  for (;;) {
    const times = await timesOf(here, orderNo);
    if (times.length === count) return times;
    if (wall.monotonicMs() > giveUpAtMs)
      throw new Error(`${times.length} of ${count} commands sent in ${PATIENCE_MS} ms`);
    await wall.sleep(POLL_MS);
  }
}
