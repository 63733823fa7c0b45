/**
 * A real S3 server with versions and Object Lock: Ceph's gateway on a cluster of one monitor and one store in memory.
 * Some seven seconds to start and 150 MB, so one server serves all tests of a file, each in a bucket of its own.
 */
import { execFile } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { S3Access } from '../engines/archive/config.ts';
import { freePort } from '../http/free-port.ts';
import { accepts, type EngineProcess, needsEngine, programPath, startEngine, testFolder } from './engine.ts';

const PROGRAMS = ['ceph-mon', 'ceph-osd', 'radosgw', 'ceph', 'radosgw-admin', 'ceph-authtool', 'monmaptool'];
const COMMAND_MS = 60_000;

export const needsS3 = needsEngine('Ceph radosgw', ...PROGRAMS);

export interface S3Server {
  /** `http://127.0.0.1:port`. */
  readonly endpoint: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** An archive URL in a bucket that no other test uses. */
  url(bucket?: string): string;
  access(changes?: Partial<S3Access>): S3Access;
  stop(): Promise<void>;
}

/** Servers load their object classes from here, wherever the distribution puts them. */
function classFolder(): string {
  const libraries = ['/usr/lib64', '/usr/lib', ...readdirSync('/usr/lib').map((name) => `/usr/lib/${name}`)];
  const found = libraries.map((folder) => join(folder, 'rados-classes')).find((folder) => existsSync(folder));
  if (!found) throw new Error('the object classes of Ceph (rados-classes) are not below /usr/lib');
  return found;
}

function configuration(folder: string, fsid: string, monitorPort: number): string {
  return `[global]
fsid = ${fsid}
mon host = [v2:127.0.0.1:${monitorPort}/0]
public addr = 127.0.0.1
cluster addr = 127.0.0.1
auth cluster required = cephx
auth service required = cephx
auth client required = cephx
keyring = ${folder}/keyring
mon data = ${folder}/mon
osd data = ${folder}/osd
run dir = ${folder}
crash dir = ${folder}
admin socket =
log file =
log to stderr = true
err to stderr = true
osd class dir = ${classFolder()}
osd objectstore = memstore
memstore device bytes = 268435456
osd crush chooseleaf type = 0
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
osd pool default pgp num = 1
osd pool default pg autoscale mode = off
mon allow pool size one = true
# Changes of the cluster map gather for a second by default, and a gateway makes a dozen of them at its first start.
paxos propose interval = 0.02
paxos min wait = 0.01
`;
}

/** Who is who in the cluster; the monitor takes the whole file at its making. */
const KEYS: readonly [string, ...string[]][] = [
  ['mon.', 'mon', 'allow *'],
  ['client.admin', 'mon', 'allow *', 'osd', 'allow *'],
  ['osd.0', 'mon', 'allow profile osd', 'osd', 'allow *'],
  ['client.rgw', 'mon', 'allow rw', 'osd', 'allow rwx'],
];

export async function startS3(): Promise<S3Server> {
  const folder = testFolder('s3');
  for (const name of ['mon', 'osd']) mkdirSync(join(folder, name));
  const [monitorPort, port] = [await freePort(), await freePort()];
  const [fsid, osd] = [randomUUID(), randomUUID()];
  writeFileSync(join(folder, 'ceph.conf'), configuration(folder, fsid, monitorPort));
  const env = { CEPH_CONF: join(folder, 'ceph.conf'), CEPH_ARGS: '' };
  const run = (program: string, ...args: string[]) =>
    promisify(execFile)(programPath(program) ?? program, args, {
      env: { ...process.env, ...env },
      timeout: COMMAND_MS,
      maxBuffer: 16 * 1024 * 1024,
    });
  const running: EngineProcess[] = [];
  const start = async (program: string, args: string[], ready: () => Promise<boolean>) => {
    running.push(await startEngine({ program, args: ['-f', ...args], ready, env }));
  };
  const stop = async () => {
    // All that the cluster holds is in its memory, so nothing is gained by letting it put its house in order.
    const [monitor, store, gateway] = running.splice(0);
    await gateway?.stop();
    await store?.kill();
    await monitor?.kill();
    rmSync(folder, { recursive: true, force: true });
  };

  try {
    const keyring = join(folder, 'keyring');
    for (const [index, [name, ...caps]] of KEYS.entries()) {
      const pairs = caps.flatMap((cap, at) => (at % 2 === 0 ? ['--cap', cap] : [cap]));
      await run('ceph-authtool', keyring, ...(index === 0 ? ['-C'] : []), '--gen-key', '-n', name, ...pairs);
    }
    const map = join(folder, 'monmap');
    await run('monmaptool', '--create', '--addv', 'a', `[v2:127.0.0.1:${monitorPort}/0]`, '--fsid', fsid, map);
    await run('ceph-mon', '-i', 'a', '--mkfs', '--monmap', map, '--keyring', keyring);
    await start('ceph-mon', ['-i', 'a'], () => accepts(monitorPort));
    await run('ceph', 'osd', 'new', osd, '0');
    await run('ceph-osd', '-i', '0', '--mkfs', '--osd-uuid', osd);
    await start('ceph-osd', ['-i', '0'], async () => true);
    const [accessKeyId, secretAccessKey] = [randomBytes(8).toString('hex'), randomBytes(16).toString('hex')];
    const user = ['user', 'create', '--uid', 'flexder', '--display-name', 'FlexDER'];
    const keys = ['--access-key', accessKeyId, '--secret-key', secretAccessKey];
    const frontend = ['--rgw_frontends', `beast endpoint=127.0.0.1:${port} tcp_nodelay=1`];
    const started = await Promise.allSettled([
      start('radosgw', ['-n', 'client.rgw', ...frontend], () => accepts(port)),
      run('radosgw-admin', '-n', 'client.rgw', ...user, ...keys),
    ]);
    for (const result of started) if (result.status === 'rejected') throw result.reason;
    const endpoint = `http://127.0.0.1:${port}`;
    return {
      endpoint,
      accessKeyId,
      secretAccessKey,
      url: (bucket = `bucket-${randomUUID()}`) => `s3://${bucket}/archive?endpoint=${endpoint}`,
      access: (changes) => ({
        credentials: () => ({ accessKeyId, secretAccessKey }),
        retentionDays: 1,
        createBucket: true,
        ...changes,
      }),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}
