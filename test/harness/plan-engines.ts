/** The engines of a plan, started from the files and at the ports that it wrote, as its containers are. */
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Balancer, startBalancer } from '@flexder/runtime/testing/balancer.ts';
import { accepts, needsEngine, programPath, startEngine } from '@flexder/runtime/testing/engine.ts';
import { needsKafka, startKafkaFrom } from '@flexder/runtime/testing/kafka.ts';
import { type PostgresServer, startPostgres } from '@flexder/runtime/testing/postgres.ts';
import type { PlannedService } from '@flexder/sandbox/serve/plan/plan.ts';

export interface PlanEngines {
  readonly postgres: PostgresServer;
  /** What services are told besides: where a server of the plan is not on this machine. */
  readonly variables: Record<string, string>;
  stop(): Promise<void>;
}

/** For a `before` hook. S3 and HAProxy have stand-ins. */
export function needsPlanEngines(this: Mocha.Context): void {
  needsEngine('PostgreSQL', 'initdb', 'postgres', 'psql').call(this);
  needsEngine('Redis', 'redis-server').call(this);
  needsEngine('Mosquitto', 'mosquitto').call(this);
  needsKafka('apache').call(this);
}

export async function startPlanEngines(dir: string, services: readonly PlannedService[]): Promise<PlanEngines> {
  const stops: (() => Promise<unknown>)[] = [];
  const stop = async () => {
    for (const one of stops.splice(0).reverse()) await one();
  };
  const of = (name: string) => services.find((service) => service.name === name)!;
  const portOf = (name: string) => Number(new URL(of(name).url).port);
  const run = async (name: string, program: string, args: readonly string[]) => {
    const port = portOf(name);
    const engine = await startEngine({ program, args, ready: () => accepts(port) });
    stops.push(() => engine.stop());
  };
  try {
    const postgres = await startPostgres({ port: portOf('postgres') });
    stops.push(() => postgres.stop());
    const login = ['-v', 'ON_ERROR_STOP=1', '--no-psqlrc', '-q', '-f', join(dir, 'postgres', 'login.sql')];
    execFileSync('psql', [...login, postgres.adminUrl], { stdio: 'pipe' });
    await run('redis', 'redis-server', [join(dir, 'redis', 'redis.conf')]);
    if (process.getuid?.() === 0) {
      chmodSync(dir, 0o755);
      execFileSync('chown', ['-R', 'mosquitto', join(dir, 'mosquitto')]);
    }
    await run('broker', 'mosquitto', ['-c', join(dir, 'mosquitto', 'mosquitto.conf')]);
    const kafka = await startKafkaFrom(join(dir, 'kafka', 'server.properties'), portOf('kafka'));
    stops.push(() => kafka.stop());
    await balance(dir, services, stops);
    const shell = programPath('versitygw') !== undefined;
    if (shell) await run('s3', 'sh', ['-c', of('s3').command!]);
    const folder = { FLEXDER_ARCHIVE_URL: `file:${join(dir, 'archive')}` };
    return { postgres, variables: shell ? {} : folder, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** HAProxy where it is, the balancer of our own tests where it is not. */
async function balance(dir: string, services: readonly PlannedService[], stops: (() => Promise<unknown>)[]) {
  const config = join(dir, 'balancer', 'haproxy.cfg');
  if (!existsSync(config)) return;
  const port = Number(new URL(services.find(({ name }) => name === 'balancer')!.url).port);
  if (programPath('haproxy') !== undefined) {
    const engine = await startEngine({ program: 'haproxy', args: ['-db', '-f', config], ready: () => accepts(port) });
    stops.push(() => engine.stop());
    return;
  }
  const balancer: Balancer = await startBalancer(port);
  balancer.backends = services.filter(({ name }) => /^bpp-1-/.test(name)).map(({ url }) => url);
  stops.push(() => balancer.close());
}
