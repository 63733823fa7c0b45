/**
 * A schema-valid message that still means nothing: an item that is not in its own catalogue, a stop without a
 * feeder. `path` is the JSON pointer of the member at fault and `code` the BECKN-005 number to answer with.
 */
export class CodecError extends Error {
  override name = 'CodecError';
  readonly path: string;
  readonly code: string;

  constructor(path: string, message: string, code = '30000') {
    super(message);
    this.path = path;
    this.code = code;
  }
}
