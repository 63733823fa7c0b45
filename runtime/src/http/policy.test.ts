import { expect } from 'chai';
import { ForbiddenAddressError, type OutboundPolicy } from './outbound.ts';
import { allowedUrl } from './policy.ts';

const strict: OutboundPolicy = { profile: 'strict', sandboxOrigins: new Set(['http://127.0.0.1:4000']) };
const sandbox: OutboundPolicy = {
  profile: 'sandbox',
  sandboxOrigins: new Set(['http://127.0.0.1:4000', 'http://localhost:4001', 'http://10.0.0.1:80']),
};

/** NET-01 and NET-02: what the strict profile does not call, by the URL alone. */
const refusedHosts = [
  ...[
    '169.254.169.254',
    '127.0.0.1',
    '10.1.2.3',
    '192.168.0.1',
    '[::1]',
    '0.0.0.0',
    'localhost',
    'localhost.',
    'LOCALHOST',
    'a.localhost',
    'printer.local',
  ],
  ...[
    'db.internal',
    'router',
    'metadata',
    '2130706433',
    '0x7f.1',
    '0177.0.0.1',
    '127.1',
    '①②⑦.0.0.1',
    'ⓛocalhost',
    '127。0。0。1',
    '127.0.0.1.',
  ],
  ...[
    '[::ffff:7f00:1]',
    '[::ffff:127.0.0.1]',
    '[64:ff9b::7f00:1]',
    '[2002:7f00:1::]',
    '[2001:0:4136:e378:8000:63bf:3fff:fdd2]',
    '[fe80::1]',
    '[fd00::1]',
  ],
];

const refusal = (url: string, policy: OutboundPolicy) => {
  try {
    return allowedUrl(url, policy);
  } catch (error) {
    return error;
  }
};

describe('where outbound calls may go', () => {
  for (const host of refusedHosts) {
    it(`strict: not https://${host}/`, () => {
      expect(refusal(`https://${host}/`, strict)).to.be.instanceOf(ForbiddenAddressError);
    });
  }

  it('strict: a host that an operator vouches for, by https, and no other', () => {
    const vouching = { ...strict, vouchedHosts: new Set(['login.corp', '10.1.2.3']) };
    for (const url of ['https://login.corp/realms/dso', 'https://LOGIN.corp:8443/', 'https://10.1.2.3/']) {
      expect(refusal(url, strict), url).to.be.instanceOf(ForbiddenAddressError);
      expect(refusal(url, vouching), url).to.be.instanceOf(URL);
    }
    for (const url of ['http://login.corp/', 'https://other.corp/', 'https://a.login.corp/', 'https://10.1.2.4/']) {
      const error = refusal(url, vouching);
      expect(error, url).to.be.instanceOf(ForbiddenAddressError);
      expect((error as Error).message).to.match(/https only|not a public/);
    }
    const inSandbox = { ...sandbox, vouchedHosts: vouching.vouchedHosts };
    expect(refusal('https://login.corp/', inSandbox)).to.be.instanceOf(ForbiddenAddressError);
  });

  for (const url of [
    'http://bpp.example.com/',
    'http://127.0.0.1:4000/',
    'ftp://bpp.example.com/',
    'file:///etc/passwd',
    'javascript:1',
    'data:,x',
    'https://',
    '//bpp.example.com/',
    '',
  ]) {
    it(`strict: not ${url}`, () => expect(refusal(url, strict)).to.be.instanceOf(ForbiddenAddressError));
  }

  it('no credentials in a URL', () => {
    for (const url of [
      'https://user@bpp.example.com/',
      'https://:secret@bpp.example.com/',
      'https://user:pw@8.8.8.8/',
    ]) {
      const error = refusal(url, strict) as Error;
      expect(error.message)
        .to.match(/must not carry credentials/)
        .and.not.match(/secret|pw@/);
    }
    expect(refusal('http://user@127.0.0.1:4000/', sandbox)).to.be.instanceOf(ForbiddenAddressError);
  });

  for (const url of [
    'https://bpp.example.com/beckn/search',
    'https://BPP.Example.COM:8443/?a=b',
    'https://8.8.8.8/',
    'https://[2606:4700::1111]/',
    'https://xn--bcher-kva.example.com/',
  ]) {
    it(`strict: ${url}`, () => expect(refusal(url, strict)).to.be.instanceOf(URL));
  }

  for (const url of ['http://127.0.0.1:4000/search', 'http://localhost:4001/']) {
    it(`sandbox: ${url}`, () => expect(refusal(url, sandbox)).to.be.instanceOf(URL));
  }

  for (const url of ['http://127.evil.example/', 'http://127.0.0.1.nip.example/', 'http://localhost.evil.example/']) {
    it(`sandbox: not ${url}, whatever a registry says`, () => {
      const policy = { profile: 'sandbox', sandboxOrigins: new Set([new URL(url).origin]) } as const;
      expect(refusal(url, policy)).to.be.instanceOf(ForbiddenAddressError);
    });
  }

  for (const url of [
    'http://127.0.0.1:4001/',
    'http://127.0.0.1/',
    'https://127.0.0.1:4000/',
    'http://10.0.0.1/',
    'http://localhost:4000/',
    'https://bpp.example.com/',
  ]) {
    it(`sandbox: not ${url}`, () => expect(refusal(url, sandbox)).to.be.instanceOf(ForbiddenAddressError));
  }
});
