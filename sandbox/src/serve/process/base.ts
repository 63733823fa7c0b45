import { connect } from 'node:net';
import { Activity } from '@flexder/runtime/activity.ts';
import { systemWallClock, type WallClock, wallGridClock } from '@flexder/runtime/clock.ts';
import { type Context, systemIds } from '@flexder/runtime/context.ts';
import { openEngines } from '@flexder/runtime/engines/open.ts';
import { createOutbound } from '@flexder/runtime/http/safe-outbound.ts';
import { createLogger } from '@flexder/runtime/logging.ts';
import { createMetrics } from '@flexder/runtime/metrics.ts';
import { PEER_CONNECT_MS, PEER_POLL_MS, PEER_WAIT_MS } from '../limits.ts';
import type { ProcessConfig } from '../settings/config.ts';
import type { Base } from './kind.ts';

type Parts = Pick<Base, 'wall' | 'log' | 'metrics' | 'activity'>;

export function baseParts(service: string, config: ProcessConfig): Parts {
  return {
    wall: systemWallClock(),
    log: createLogger(service, config.logLevel),
    metrics: createMetrics(service, config.subscriberId),
    activity: new Activity(),
  };
}

/** Engines and clocks of a process of its own, where grid time is wall time. */
export async function openContext(parts: Parts, config: ProcessConfig, keep: Base['keep']): Promise<Context> {
  const { wall, log } = parts;
  const engines = keep(await openEngines(config.engines, { ...parts, dataDir: config.dataDir }));
  const http = keep(createOutbound({ wall }));
  const grid = wallGridClock(wall, (error, label) => log.error({ error: String(error), label }, 'a timer failed'));
  return { ...parts, grid, ids: systemIds(), http, engines };
}

const PORTS: Record<string, number> = { 'http:': 80, 'https:': 443, 'mqtt:': 1883, 'mqtts:': 8883 };

/** Services start side by side: each waits for those it needs, and says whom it waits for. */
export async function reachable(
  { wall, log }: Pick<Parts, 'wall' | 'log'>,
  what: string,
  url: string,
  waitMs = PEER_WAIT_MS,
): Promise<void> {
  const { hostname, port, protocol } = new URL(url);
  const place = { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port) || (PORTS[protocol] ?? 80) };
  const giveUpAtMs = wall.monotonicMs() + waitMs;
  for (let told = false; !(await accepts(place, wall)); told = true) {
    if (wall.monotonicMs() >= giveUpAtMs)
      throw new Error(`nothing answers at ${protocol}//${place.host}:${place.port} (${what}) within ${waitMs} ms`);
    if (!told) log.info({ what, host: place.host, port: place.port }, 'waiting for a peer');
    await wall.sleep(PEER_POLL_MS);
  }
}

function accepts(place: { readonly host: string; readonly port: number }, wall: WallClock): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(place);
    const end = (answer: boolean) => {
      disarm();
      socket.destroy();
      resolve(answer);
    };
    const disarm = wall.after(PEER_CONNECT_MS, () => end(false));
    socket.once('connect', () => end(true));
    socket.once('error', () => end(false));
  });
}
