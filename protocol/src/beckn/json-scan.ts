import type { JsonLimits, JsonReason } from './json.ts';

export interface ScanFault {
  readonly reason: JsonReason;
  readonly position: number;
  /** JSON pointer. */
  readonly path: string;
  readonly text: string;
}

const FORBIDDEN_KEYS = new Set(['__proto__', 'constructor', 'prototype']);
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const INTEGER = /^-?\d+$/;
const HEX4 = /[0-9a-fA-F]{4}/y;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
/** After a backslash: `"` `\` `/` b f n r t; `u` is read apart. */
const ESCAPES = new Set([...'"\\/bfnrt'].map((char) => char.charCodeAt(0)));

/** Carries a fault out of the recursion; never leaves `scan`. */
class Fault {
  readonly fault: ScanFault;
  constructor(fault: ScanFault) {
    this.fault = fault;
  }
}

/**
 * One pass over a text that is well-formed UTF-16. Recursion is as deep as the document, which is capped; `path`
 * holds a key or an index per level and becomes a JSON pointer only when something is wrong.
 */
export class Scanner {
  readonly #text: string;
  readonly #limits: JsonLimits;
  readonly #path: (string | number)[] = [];
  #at = 0;

  constructor(text: string, limits: JsonLimits) {
    this.#text = text;
    this.#limits = limits;
  }

  scan(): ScanFault | undefined {
    try {
      this.#space();
      this.#value();
      this.#space();
      if (this.#at < this.#text.length) this.#unexpected('the end of the document');
      return undefined;
    } catch (thrown) {
      if (thrown instanceof Fault) return thrown.fault;
      throw thrown;
    }
  }

  #value(): void {
    const code = this.#text.charCodeAt(this.#at);
    if (code === QUOTE) this.#string();
    else if (code === OPEN_OBJECT) this.#object();
    else if (code === OPEN_ARRAY) this.#array();
    else if (code === 0x2d || (code >= 0x30 && code <= 0x39)) this.#number();
    else if (!this.#word('true') && !this.#word('false') && !this.#word('null')) this.#unexpected('a value');
  }

  #object(): void {
    this.#descend();
    const keys = new Set<string>();
    for (let more = !this.#closes(CLOSE_OBJECT); more; more = !this.#ends(CLOSE_OBJECT)) {
      if (keys.size >= this.#limits.maxMembers) {
        this.#fail('members', this.#at, `more than ${this.#limits.maxMembers} members`);
      }
      this.#member(keys);
    }
  }

  #member(keys: Set<string>): void {
    this.#space();
    const start = this.#at;
    if (this.#text.charCodeAt(start) !== QUOTE) this.#unexpected('a member name');
    const escaped = this.#string();
    const raw = this.#text.slice(start + 1, this.#at - 1);
    const key = escaped ? String(JSON.parse(`"${raw}"`)) : raw;
    this.#path.push(key);
    if (keys.has(key)) this.#fail('duplicate-key', start, 'the member comes twice');
    if (FORBIDDEN_KEYS.has(key)) this.#fail('forbidden-key', start, `a member may not be named ${key}`);
    keys.add(key);
    this.#space();
    if (this.#text.charCodeAt(this.#at) !== COLON) this.#unexpected('a colon');
    this.#at++;
    this.#space();
    this.#value();
    this.#path.pop();
  }

  #array(): void {
    this.#descend();
    this.#path.push(0);
    let index = 0;
    for (let more = !this.#closes(CLOSE_ARRAY); more; more = !this.#ends(CLOSE_ARRAY)) {
      if (index >= this.#limits.maxArrayLength) {
        this.#fail('array-length', this.#at, `more than ${this.#limits.maxArrayLength} elements`);
      }
      this.#path[this.#path.length - 1] = index++;
      this.#space();
      this.#value();
    }
    this.#path.pop();
  }

  /** Steps into an object or array. */
  #descend(): void {
    if (this.#path.length >= this.#limits.maxDepth) {
      this.#fail('depth', this.#at, `nested deeper than ${this.#limits.maxDepth} levels`);
    }
    this.#at++;
  }

  /** True, and past it, when an object or array just opened closes at once. */
  #closes(close: number): boolean {
    this.#space();
    if (this.#text.charCodeAt(this.#at) !== close) return false;
    this.#at++;
    return true;
  }

  /** After an element: false for a comma, true for the end. */
  #ends(close: number): boolean {
    this.#space();
    const code = this.#text.charCodeAt(this.#at);
    if (code !== COMMA && code !== close) this.#unexpected(`a comma or ${String.fromCharCode(close)}`);
    this.#at++;
    return code === close;
  }

  /** Past one string; true when it has escapes. */
  #string(): boolean {
    const text = this.#text;
    const start = this.#at;
    let escaped = false;
    for (let at = start + 1; ; at++) {
      const code = text.charCodeAt(at);
      if (code === QUOTE) {
        this.#at = at + 1;
        if (at - start - 1 > this.#limits.maxStringLength) {
          this.#fail('string-length', start, `a string longer than ${this.#limits.maxStringLength} characters`);
        }
        return escaped;
      }
      if (code === BACKSLASH) {
        escaped = true;
        at = this.#escape(at);
      } else if (!(code >= 0x20)) this.#control(code, at);
    }
  }

  /** Control characters, and the end of the text (NaN). */
  #control(code: number, at: number): never {
    if (Number.isNaN(code)) this.#fail('syntax', at, 'a string without end');
    if (code === 0) this.#fail('nul', at, 'a NUL character');
    this.#fail('syntax', at, 'a control character that is not escaped');
  }

  /** The position of the last character of the escape that begins at `at`. */
  #escape(at: number): number {
    const next = this.#text.charCodeAt(at + 1);
    if (ESCAPES.has(next)) return at + 1;
    if (next !== 0x75) this.#fail('syntax', at, 'an unknown escape');
    const unit = this.#unit(at);
    if (unit === 0) this.#fail('nul', at, 'a NUL character');
    if (unit >= 0xdc00 && unit <= 0xdfff) this.#fail('surrogate', at, 'half a surrogate pair');
    if (unit < 0xd800 || unit > 0xdbff) return at + 5;
    const low = this.#text.startsWith('\\u', at + 6) ? this.#unit(at + 6) : 0;
    if (low < 0xdc00 || low > 0xdfff) this.#fail('surrogate', at, 'half a surrogate pair');
    return at + 11;
  }

  #unit(at: number): number {
    HEX4.lastIndex = at + 2;
    if (!HEX4.test(this.#text)) this.#fail('syntax', at, 'an unknown escape');
    return Number.parseInt(this.#text.slice(at + 2, at + 6), 16);
  }

  #number(): void {
    NUMBER.lastIndex = this.#at;
    const match = NUMBER.exec(this.#text);
    if (match === null) this.#unexpected('a number');
    const literal = match[0];
    const value = Number(literal);
    if (!Number.isFinite(value)) this.#fail('number', this.#at, 'a number beyond the range of a double');
    if (Number.isInteger(value) && !Number.isSafeInteger(value) && INTEGER.test(literal)) {
      this.#fail('number', this.#at, 'a whole number beyond 2^53, which loses digits');
    }
    this.#at += literal.length;
  }

  #word(word: string): boolean {
    if (!this.#text.startsWith(word, this.#at)) return false;
    this.#at += word.length;
    return true;
  }

  #space(): void {
    for (;;) {
      const code = this.#text.charCodeAt(this.#at);
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return;
      this.#at++;
    }
  }

  #unexpected(expected: string): never {
    const found = this.#text[this.#at];
    if (found === '\0') this.#fail('nul', this.#at, 'a NUL character');
    const shown = found === undefined ? 'the end' : JSON.stringify(found);
    this.#fail('syntax', this.#at, `expected ${expected}, found ${shown}`);
  }

  #fail(reason: JsonReason, position: number, text: string): never {
    const path = this.#path
      .map((step) => `/${String(step).slice(0, 64).replaceAll('~', '~0').replaceAll('/', '~1')}`)
      .join('');
    throw new Fault({ reason, position, path, text });
  }
}
