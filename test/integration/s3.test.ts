/** The archive on a real S3 server with Object Lock, which takes seconds to start: one for all that is here. */
import { systemWallClock } from '@flexder/runtime/clock.ts';
import { archiveConformance } from '@flexder/runtime/engines/archive/conformance.ts';
import { s3Archive } from '@flexder/runtime/engines/archive/s3.ts';
import { needsS3, type S3Server, startS3 } from '@flexder/runtime/testing/s3.ts';
import { lockTests } from './s3/lock.ts';
import { networkTests } from './s3/network.ts';
import { startTests } from './s3/start.ts';

describe('the archive on S3', function () {
  this.timeout(120_000);
  let server: S3Server;
  before(async function () {
    needsS3.call(this);
    server = await startS3();
  });
  after(() => server?.stop());

  describe('does what every archive does', () => {
    let url: string;
    const open = () => s3Archive(url, server.access(), { wall: systemWallClock(), pageKeys: 3 });
    archiveConformance(() => {
      url = server.url();
      return open();
    }, open);
  });
  describe('under Object Lock', () => lockTests(() => server));
  describe('says at the start what is wrong', () => startTests(() => server));
  describe('keeps the record of a network', () => networkTests(() => server));
});
