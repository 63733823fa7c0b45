/** Several processes of the first aggregator, and the HAProxy that stands before them at its registered address. */
import { join } from 'node:path';
import { HOST } from '../../network/ids.ts';
import {
  BALANCER_CHECK_MS,
  BALANCER_CONNECT_MS,
  BALANCER_CONNECTIONS,
  BALANCER_REQUEST_MS,
  BALANCER_SILENCE_MS,
  STOP_MS,
} from '../limits.ts';
import type { Ports } from './plan.ts';
import type { PlannedEngine } from './plan-engines.ts';
import type { Variables } from './plan-variables.ts';

export const REPLICATED = 'bpp-1';
export const BALANCER = 'balancer';

export function replicaNames(replicas: number): string[] {
  return Array.from({ length: replicas }, (_, i) => `${REPLICATED}-${i + 1}`);
}

/** What one of them is told: all that the aggregator is told when it is alone, and that it is known by another door. */
export function replicaVariables(alone: Variables, port: number, publicUrl: string): Variables {
  return { ...alone, FLEXDER_BPP_PORT: port, FLEXDER_BPP_PUBLIC_URL: publicUrl };
}

/** It listens where the aggregator listens when it is alone, so that its entry in the registry holds for both. */
export function planBalancer(
  dir: string,
  replicas: readonly string[],
  portsOf: (name: string) => Ports,
): PlannedEngine {
  const path = join(dir, BALANCER, 'haproxy.cfg');
  const { port } = portsOf(REPLICATED);
  const { health } = portsOf(BALANCER);
  const backends = replicas.map((name) => ({ name, port: portsOf(name).port }));
  const service = {
    ...{ name: BALANCER, kind: 'haproxy', env: '', url: `http://${HOST}:${port}` },
    ...{ health: `http://${HOST}:${health}`, command: `haproxy -db -f ${path}`, profile: 'several' as const },
  };
  return { service, files: [{ path, text: configuration(port, health, backends) }] };
}

type Backend = { readonly name: string; readonly port: number };

/**
 * Only a connection that was not made is tried at the next process: what was begun may have been done. A process that
 * has its door open is asked within the first check, because its first subscription is challenged through here.
 */
function configuration(port: number, health: number, backends: readonly Backend[]): string {
  return [
    'global',
    '  log stdout format raw local0 notice',
    `  maxconn ${BALANCER_CONNECTIONS}`,
    `  hard-stop-after ${STOP_MS}ms`,
    '',
    'defaults',
    '  mode http',
    '  log global',
    '  option dontlognull',
    '  option redispatch 1',
    '  retries 2',
    '  retry-on conn-failure',
    `  timeout connect ${BALANCER_CONNECT_MS}ms`,
    `  timeout queue ${BALANCER_CONNECT_MS}ms`,
    `  timeout http-request ${BALANCER_REQUEST_MS}ms`,
    `  timeout client ${BALANCER_SILENCE_MS}ms`,
    `  timeout server ${BALANCER_SILENCE_MS}ms`,
    '',
    `frontend ${REPLICATED}`,
    `  bind ${HOST}:${port}`,
    `  default_backend ${REPLICATED}`,
    '',
    `backend ${REPLICATED}`,
    '  balance roundrobin',
    '  option httpchk GET /health/ready',
    '  http-check expect status 200',
    `  default-server check inter ${BALANCER_CHECK_MS}ms fall 2 rise 1`,
    ...backends.map((one) => `  server ${one.name} ${HOST}:${one.port}`),
    '',
    'frontend health',
    `  bind ${HOST}:${health}`,
    `  acl nobody nbsrv(${REPLICATED}) lt 1`,
    '  monitor-uri /health/ready',
    '  monitor fail if nobody',
    '',
  ].join('\n');
}
