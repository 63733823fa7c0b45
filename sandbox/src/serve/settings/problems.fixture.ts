/** What a service would say about its settings at the start. */
import { type Env, ServeConfigError } from './config.ts';
import { configure } from './configure.ts';

export async function problemsOf(service: string, env: Env): Promise<readonly string[]> {
  try {
    await configure(service, env);
    return [];
  } catch (error) {
    if (error instanceof ServeConfigError) return error.problems;
    throw error;
  }
}
