import { expect } from 'chai';
import { ERRORS, isErrorCode } from './errors.ts';

const BUSINESS = [
  ...Array.from({ length: 16 }, (_, index) => String(30000 + index)),
  ...Array.from({ length: 7 }, (_, index) => String(40000 + index)),
  ...Array.from({ length: 5 }, (_, index) => String(50000 + index)),
];
const NAMED = `AUT_SIGNATURE_MISSING AUT_SIGNATURE_INVALID AUT_UNAUTHORIZED_ACTION AUT_SUBSCRIBER_NOT_FOUND
  AUT_KEY_NOT_FOUND AUT_KEY_EXPIRED_OR_REVOKED AUT_RATE_LIMITED SCH_INVALID_JSON SCH_INVALID_FORMAT
  SCH_UNSUPPORTED_MEDIA_TYPE SCH_BODY_TOO_LARGE CTX_ACTION_MISMATCH CTX_COUNTERPARTY_URL CTX_STALE
  DUPLICATE_MESSAGE_ID ORD_UNKNOWN ORD_STATE NET_DOWNSTREAM_UNAVAILABLE INTERNAL`.split(/\s+/);

describe('the error catalogue', () => {
  it('has each code of BECKN-005 and of this network, and no other', () => {
    expect(Object.keys(ERRORS).sort()).to.deep.equal([...BUSINESS, ...NAMED].sort());
  });

  it('says for each what it means and what to do', () => {
    for (const [code, entry] of Object.entries(ERRORS)) {
      expect(entry.code).to.equal(code);
      expect([400, 401, 409, 413, 415, 429, 500, 503], code).to.include(entry.http);
      expect(entry.meaning, code).to.match(/^[A-Z].{10,}\.$/);
      expect(entry.action, code).to.match(/^[A-Z].{10,}\.$/);
    }
  });

  it('tells its codes from inherited names', () => {
    expect(isErrorCode('40002')).to.equal(true);
    for (const name of ['constructor', '__proto__', '99999', '']) expect(isErrorCode(name)).to.equal(false);
  });
});
