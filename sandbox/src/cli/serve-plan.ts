/** `flexder serve plan`: reads its options, writes the plan, says how to start what it names. */
import { join, resolve } from 'node:path';
import { systemIds } from '@flexder/runtime/context.ts';
import { kafkaSettings } from '@flexder/runtime/engines/events/kafka/url.ts';
import { HEALTH_PORT_OFFSET, REPLICAS_MOST, TELEMETRY_LEAST_S, TELEMETRY_MOST_S } from '../serve/limits.ts';
import type { PlannedService, PlanShape } from '../serve/plan/plan.ts';
import { integer, print, required, say, text, UsageError, type Values } from './command.ts';

export async function plan(values: Values): Promise<number> {
  const dir = resolve(required(values, 'dir'));
  const { makePlan, serviceNames } = await import('../serve/plan/plan.ts');
  const { freePorts, planIn, portsFrom, writePlan } = await import('../serve/plan/plan-folder.ts');
  const existing = planIn(dir);
  if (existing && values.keep !== true)
    throw new UsageError(`${dir} holds a plan already: name a new folder, or use this one as it is with --keep`);
  const shape = shapeOf(values);
  const names = serviceNames(shape);
  const base = integer(values, 'base-port', 0, 0, 65_535 - HEALTH_PORT_OFFSET - names.length);
  let services = existing;
  if (!services) {
    const portsOf = base === 0 ? await freePorts(names) : portsFrom(base, names);
    const options = {
      ...{ dir, ...shape },
      eventsUrl: eventsUrl(values),
      nowMs: Date.now(),
      seed: integer(values, 'seed', 1, 0, 2_147_483_647),
      ders: integer(values, 'ders', 330, 0, 20_000),
      feeders: integer(values, 'feeders', 3, 1, 100),
      broker: brokerOf(values),
      bapHost: text(values, 'bap-host') ?? '127.0.0.1',
      telemetrySeconds: integer(values, 'telemetry-seconds', 60, TELEMETRY_LEAST_S, TELEMETRY_MOST_S),
      meterHistory: values['no-meter-history'] !== true,
      secret: () => Buffer.from(systemIds().secret(24)).toString('base64url'),
    };
    const made = rangeAsUsage(() => makePlan(options, portsOf));
    writePlan(dir, made);
    services = [...made.services];
  }
  tell(services, dir, values.json === true);
  return 0;
}

function shapeOf(values: Values): PlanShape {
  const engines = values.engines === true;
  const own = ['broker', 'events'].find((name) => engines && values[name] !== undefined);
  if (own !== undefined)
    throw new UsageError(`--engines brings a server of its own for --${own}: leave one of them out`);
  const replicas = integer(values, 'replicas', 1, 1, REPLICAS_MOST);
  return {
    bpps: integer(values, 'bpps', 2, 1, 32),
    edge: values.edge === true,
    engines,
    ...(replicas > 1 && { replicas }),
  };
}

/** A URL may hold a password, so a wrong one is not repeated. */
function eventsUrl(values: Values): string | undefined {
  const url = text(values, 'events');
  try {
    if (url !== undefined) kafkaSettings(url);
    return url;
  } catch (error) {
    throw new UsageError(`--events: ${(error as Error).message}`);
  }
}

function tell(services: readonly PlannedService[], dir: string, json: boolean): void {
  if (json) {
    print(JSON.stringify({ services }));
    return;
  }
  const line = ({ kind, env, command }: PlannedService) => command ?? `npx flexder serve ${kind} --env ${env}`;
  say(`${join(dir, 'plan.json')} lists the services. Start each in a terminal of its own:`);
  for (const one of services.filter(({ profile }) => profile !== 'one')) print(line(one));
  const alone = services.find(({ profile }) => profile === 'one');
  if (alone) say(`In place of ${alone.name}-1 and its like and the balancer, one process alone:\n${line(alone)}`);
  if (services.some(({ kind }) => kind === 'postgres'))
    say('Engines are prepared once: see "Engines beside a plan" in docs/operations.md.');
  say(`The DSO's page: ${services.find(({ name }) => name === 'bap')?.url}/`);
}

function brokerOf(values: Values): 'embedded' | 'mosquitto' {
  const name = text(values, 'broker') ?? 'embedded';
  if (name !== 'embedded' && name !== 'mosquitto')
    throw new UsageError(`--broker must be embedded or mosquitto, not ${JSON.stringify(name)}`);
  return name;
}

function rangeAsUsage<T>(make: () => T): T {
  try {
    return make();
  } catch (error) {
    if (error instanceof RangeError) throw new UsageError(error.message);
    throw error;
  }
}
