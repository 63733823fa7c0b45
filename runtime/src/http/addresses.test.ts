import { expect } from 'chai';
import { isLoopbackHost, isPublicUnicast } from './addresses.ts';

describe('public unicast addresses', () => {
  const notPublic = [
    ...[
      '0.0.0.0',
      '10.0.0.1',
      '100.64.0.1',
      '127.0.0.1',
      '127.255.255.254',
      '169.254.169.254',
      '172.16.0.1',
      '172.31.255.255',
    ],
    ...[
      '192.0.0.8',
      '192.0.2.1',
      '192.88.99.1',
      '192.168.1.1',
      '198.18.0.1',
      '198.51.100.1',
      '203.0.113.1',
      '224.0.0.1',
      '240.0.0.1',
      '255.255.255.255',
    ],
    ...[
      '::',
      '::1',
      '::7f00:1',
      '::ffff:127.0.0.1',
      '::ffff:8.8.8.8',
      '::ffff:0:8.8.8.8',
      '64:ff9b::7f00:1',
      '64:ff9b::808:808',
      '64:ff9b:1::1',
    ],
    ...[
      '100::1',
      '2001::1',
      '2001:0:4136:e378:8000:63bf:3fff:fdd2',
      '2001:20::1',
      '2001:db8::1',
      '2002:7f00:1::',
      '2002:808:808::1',
      '3fff::1',
    ],
    ...['5f00::1', 'fc00::1', 'fd12::1', 'fe80::1', 'fe80::1%eth0', 'fec0::1', 'ff02::1', '2606:4700::1%1'],
    ...['', 'localhost', '8.8.8', '2130706433', '0x7f.1', '[::1]', '8.8.8.8:80'],
  ];
  for (const address of notPublic) {
    it(`${JSON.stringify(address)} is none`, () => expect(isPublicUnicast(address)).to.equal(false));
  }
  for (const address of [
    '8.8.8.8',
    '100.128.0.1',
    '172.32.0.1',
    '193.0.0.1',
    '223.255.255.255',
    '2606:4700::1111',
    '2a00:1450::1',
    '2001:4860:4860::8888',
  ]) {
    it(`${address} is one`, () => expect(isPublicUnicast(address)).to.equal(true));
  }
});

describe('hosts that are this machine', () => {
  for (const host of ['localhost', '127.0.0.1', '127.9.9.9', '::1', '[::1]'])
    it(`${host} is`, () => expect(isLoopbackHost(host)).to.equal(true));
  for (const host of [
    '127.evil.example',
    '127.0.0.1.nip.example',
    'localhost.evil.example',
    '0.0.0.0',
    '::',
    '10.0.0.1',
    '',
  ])
    it(`${JSON.stringify(host)} is not`, () => expect(isLoopbackHost(host)).to.equal(false));
});
