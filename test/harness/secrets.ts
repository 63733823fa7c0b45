/** The secrets of a planned network, and where they must not be. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Shorter ones would be found by chance. */
const LEAST = 12;

/** Every secret of a plan, by whose it is: device and feeder accounts, and what its environment files call one. */
export function secretsIn(dir: string): Map<string, string> {
  const secrets = new Map<string, string>();
  const note = (whose: string, secret: string) => {
    if (secret.length >= LEAST) secrets.set(whose, secret);
  };
  const accounts = JSON.parse(readFileSync(join(dir, 'accounts.json'), 'utf8')) as {
    username: string;
    password: string;
  }[];
  for (const { username, password } of accounts) note(username, password);
  for (const file of readdirSync(dir).filter((name) => name.endsWith('.env'))) {
    for (const line of readFileSync(join(dir, file), 'utf8').split('\n')) {
      const [name = '', value = ''] = [line.split('=')[0], line.slice(line.indexOf('=') + 1)];
      if (/PASSWORD|SECRET|TOKEN/.test(name) && !name.endsWith('_FILE')) note(`${file} ${name}`, value);
    }
  }
  return secrets;
}

/** Whose secret is in which text; as it is, in base64 and percent-encoded. */
export function found(secrets: ReadonlyMap<string, string>, texts: ReadonlyMap<string, string>): string[] {
  const hits: string[] = [];
  for (const [whose, secret] of secrets) {
    const forms = [secret, Buffer.from(secret).toString('base64').replace(/=+$/, ''), encodeURIComponent(secret)];
    for (const [where, text] of texts) if (forms.some((form) => text.includes(form))) hits.push(`${whose} in ${where}`);
  }
  return hits;
}
