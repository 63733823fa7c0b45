/** Certificates for one test, made by the `openssl` program (Node signs, but makes no X.509), valid for a day. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { programPath } from './engine.ts';

export interface PemFiles {
  readonly cert: string;
  readonly key: string;
}

export interface Authority {
  /** Path of its certificate. */
  readonly ca: string;
  /** Paths of a certificate signed by it; `names` as openssl writes them: `IP:127.0.0.1`, `DNS:localhost`. */
  issue(commonName: string, names?: readonly string[]): PemFiles;
}

/** A certificate authority of its own in `folder`. */
export function certificateAuthority(folder: string, commonName: string): Authority {
  const path = (name: string) => join(folder, name);
  const ca = { cert: path(`${commonName}.pem`), key: path(`${commonName}.key`) };
  request(commonName, ca, ['-addext', 'basicConstraints=critical,CA:TRUE', '-addext', 'keyUsage=critical,keyCertSign']);
  return {
    ca: ca.cert,
    issue(name, names = []) {
      const files = { cert: path(`${commonName}-${name}.pem`), key: path(`${commonName}-${name}.key`) };
      const alternative = names.length === 0 ? [] : ['-addext', `subjectAltName=${names.join(',')}`];
      request(name, files, ['-CA', ca.cert, '-CAkey', ca.key, ...alternative]);
      return files;
    },
  };
}

function request(commonName: string, { cert, key }: PemFiles, more: readonly string[]): void {
  const made = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '1'];
  const where = ['-subj', `/CN=${commonName}`, '-keyout', key, '-out', cert];
  execFileSync(programPath('openssl') ?? 'openssl', ['req', ...made, ...where, ...more], { stdio: 'pipe' });
}

export const readPem = (path: string) => readFileSync(path, 'utf8');
