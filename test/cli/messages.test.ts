import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { someOf } from '@flexder/runtime/testing/thorough.ts';
import { expect } from 'chai';
import { flexder, root } from './flexder.ts';

const sample = readFileSync(join(root, 'schemas/samples/v1.1/search.json'), 'utf8');

interface Vector {
  readonly name: string;
  readonly seed: string;
  readonly privateKey64?: string;
  readonly publicKey: string;
  readonly subscriberId: string;
  readonly keyId: string;
  readonly createdS: number;
  readonly expiresS: number;
  readonly header: string;
  readonly body?: string;
}

const KEY_ID = 'bap.example.com|key-1|ed25519';

describe('flexder: messages', function () {
  this.timeout(30_000);

  it('validates a message, and says where one is wrong', () => {
    expect(flexder(['validate'], sample)).to.deep.include({ code: 0, out: '{"valid":true}\n' });
    const broken = JSON.parse(sample);
    delete broken.context.ttl;
    const { code, out } = flexder(['validate'], JSON.stringify(broken));
    expect(code).to.equal(1);
    expect(JSON.parse(out).errors[0]).to.deep.include({ path: '/context/ttl', code: 'SCH_INVALID_FORMAT' });
  });

  it('validates one message a line', () => {
    const line = JSON.stringify(JSON.parse(sample));
    const { code, out } = flexder(['validate', '--jsonl'], `${line}\n\n{"context":\n${line}\n`);
    const verdicts = out
      .trim()
      .split('\n')
      .map((text) => JSON.parse(text));
    expect(code).to.equal(1);
    expect(verdicts.map(({ valid }) => valid)).to.deep.equal([true, false, true]);
    expect(verdicts[1].errors[0].code).to.equal('SCH_INVALID_JSON');
  });

  it('makes keys that sign, and verifies with the reason when it must not', () => {
    const keys = JSON.parse(flexder(['keys', 'new']).out);
    const times = ['--created', '1768496400', '--expires', '1768496700'];
    const signed = flexder(['sign', '--key', keys.signingSeed, '--key-id', KEY_ID, ...times], sample);
    expect(signed.code).to.equal(0);
    const verify = (body: string, now: string) =>
      flexder(['verify', '--public-key', keys.signingPublicKey, '--header', signed.out.trim(), '--now', now], body);
    expect(verify(sample, '1768496410').code).to.equal(0);
    const late = verify(sample, '1768496701');
    expect(late.code).to.equal(1);
    expect(JSON.parse(late.out)).to.include({ verified: false, reason: 'expired' });
    expect(JSON.parse(verify(`${sample} `, '1768496410').out)).to.include({ verified: false, reason: 'signature' });
  });

  it('signs and verifies the published vectors to the letter', () => {
    const { signatures } = JSON.parse(readFileSync(join(root, 'schemas/vectors/signature-v1.1.json'), 'utf8')) as {
      signatures: Vector[];
    };
    const whole = signatures.filter((vector): vector is Vector & { body: string } => vector.body !== undefined);
    expect(whole).to.have.length.above(0);
    for (const {
      name,
      seed,
      privateKey64,
      publicKey,
      subscriberId,
      keyId,
      createdS,
      expiresS,
      header,
      body,
    } of whole) {
      const times = ['--created', String(createdS), '--expires', String(expiresS)];
      for (const key of [seed, privateKey64 ?? seed]) {
        const { out } = flexder(['sign', '--key', key, '--key-id', `${subscriberId}|${keyId}|ed25519`, ...times], body);
        expect(out, name).to.equal(`${header}\n`);
      }
      const { code, out } = flexder(
        ['verify', '--public-key', publicKey, '--header', header, '--now', String(createdS + 1)],
        body,
      );
      expect(code, name).to.equal(0);
      expect(JSON.parse(out)).to.include({ verified: true, reason: null });
    }
  });

  it('validates files, one verdict each in their order', () => {
    const at = (name: string) => join(root, 'schemas/samples/v1.1', `${name}.json`);
    const { code, out } = flexder(['validate', at('on_status'), join(root, 'package.json'), at('confirm')]);
    const verdicts = out
      .trim()
      .split('\n')
      .map((text) => JSON.parse(text));
    expect(code).to.equal(1);
    expect(verdicts.map(({ valid }) => valid)).to.deep.equal([true, false, true]);
    expect(verdicts[1].errors[0].path).to.equal('/context/action');
  });

  it('says what was asked wrongly, and exits with 2', () => {
    const wrong = [
      [['dance'], 'there is no command "dance"'],
      [['demo', '--sed', '1'], "Unknown option '--sed'"],
      [['demo', '--seed', 'x'], '--seed must be a whole number'],
      [['demo', '--feeders', '2'], 'feeders must be a whole number from 3'],
      [['sign'], '--key-id is required'],
      [['validate', '/nowhere/at-all.json'], 'cannot read /nowhere/at-all.json'],
      [['audit', 'verify', '--data', '/nowhere/at-all'], 'holds no FlexDER data'],
      [['settlement', 'export'], '--data is required'],
    ] as const;
    for (const [args, text] of someOf(wrong, 3)) {
      const { code, out, err } = flexder(args);
      expect(code, args.join(' ')).to.equal(2);
      expect(err, args.join(' ')).to.contain(text);
      expect(out).to.equal('');
    }
  });
});
