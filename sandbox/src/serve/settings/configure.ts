import type { ServiceKind, Start } from '../process/kind.ts';
import { type Env, type ProcessConfig, processConfig, ServeConfigError, unknownVariables, watched } from './config.ts';
import { processDefaults, type Setting, settingsOf } from './settings.ts';
import { strictProblems } from './strict.ts';

/** Each service loads its own code only. */
export const SERVICES: Readonly<Record<string, () => Promise<{ default: ServiceKind }>>> = {
  registry: () => import('../services/registry.ts'),
  gateway: () => import('../services/gateway.ts'),
  bap: () => import('../services/bap.ts'),
  bpp: () => import('../services/bpp.ts'),
  broker: () => import('../services/broker.ts'),
  monitor: () => import('../services/monitor.ts'),
  fleet: () => import('../services/fleet.ts'),
};

export interface Configured {
  readonly config: ProcessConfig;
  readonly start: Start;
  /** What it will run with, where `from` says where a variable that is set was read; without what is secret. */
  settings(from: (variable: string) => Setting['from']): Setting[];
}

/** Reads all of a service's environment; throws a ServeConfigError with everything that is wrong with it. */
export async function configure(service: string, env: Env): Promise<Configured> {
  const { default: kind } = await SERVICES[service]!();
  const problems: string[] = [];
  const view = watched(env);
  const config = processConfig(service, view.env, problems);
  let start: Start | undefined;
  try {
    start = kind.configure(view.env);
  } catch (error) {
    problems.push(...problemsOf(error));
  }
  problems.push(...unknownVariables(service, env, view.asked));
  problems.push(...strictProblems(service, env));
  if (!start || problems.length > 0) throw new ServeConfigError(problems);
  return {
    config,
    start,
    settings: (from) => settingsOf(env, view.asked, { ...processDefaults(config), ...kind.settings?.(env) }, from),
  };
}

/** Every service has a ConfigError of its own: with a list of problems, or one sentence a line below a first one. */
function problemsOf(error: unknown): readonly string[] {
  if (!(error instanceof Error) || error.name !== 'ConfigError') throw error;
  const { problems } = error as { problems?: readonly string[] };
  return problems ?? error.message.split('\n').slice(1);
}
