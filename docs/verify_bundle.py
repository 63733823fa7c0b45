#!/usr/bin/env python3
"""Checks a FlexDER audit bundle with nothing but Python 3.8 and its standard library.

    python3 verify_bundle.py FILE [--public-key BASE64]

Written from docs/audit.md alone, without FlexDER's own code, so that a fault in that code cannot hide itself. Prints one
line of JSON; exit 0 the bundle holds, 1 it does not, 2 it was asked wrongly. `reason` and `at` are those that
`flexder audit check` gives; the words of `detail` are this program's own.
"""
import base64
import hashlib
import json
import re
import sys

# --- Ed25519, verification only (RFC 8032 5.1); slow and plain, for public data alone -----------------------------------
P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
SQRT_M1 = pow(2, (P - 1) // 4, P)


def add(a, b):
    """Sum of two points in extended coordinates (X, Y, Z, T)."""
    e = (a[1] - a[0]) * (b[1] - b[0]) % P
    f = (a[1] + a[0]) * (b[1] + b[0]) % P
    g = 2 * a[3] * b[3] * D % P
    h = 2 * a[2] * b[2] % P
    x, y, z, t = f - e, h - g, h + g, f + e
    return (x * y % P, z * t % P, y * z % P, x * t % P)


def times(scalar, point):
    result = (0, 1, 1, 0)
    while scalar > 0:
        if scalar & 1:
            result = add(result, point)
        point = add(point, point)
        scalar >>= 1
    return result


def same(a, b):
    return (a[0] * b[2] - b[0] * a[2]) % P == 0 and (a[1] * b[2] - b[1] * a[2]) % P == 0


def decode_point(data):
    """The point of 32 bytes; None when there is none."""
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & (2**255 - 1)
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P != 0:
        x = x * SQRT_M1 % P
    if (x * x - square) % P != 0 or (x == 0 and sign):
        return None
    if x & 1 != sign:
        x = P - x
    return (x, y, 1, x * y % P)


BASE = decode_point((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))
NEUTRAL = (0, 1, 1, 0)


def ed25519_holds(public_key, message, signature):
    if len(public_key) != 32 or len(signature) != 64:
        return False
    a, r = decode_point(public_key), decode_point(signature[:32])
    s = int.from_bytes(signature[32:], "little")
    # A key of low order would sign anything.
    if a is None or r is None or s >= L or same(times(8, a), NEUTRAL):
        return False
    digest = hashlib.sha512(signature[:32] + public_key + message).digest()
    k = int.from_bytes(digest, "little") % L
    return same(times(s, BASE), add(r, times(k, a)))


# --- canonical JSON (RFC 8785) ------------------------------------------------------------------------------------------
def number_text(value):
    """A number as ECMAScript writes it (ECMA-262, Number::toString); all numbers are doubles."""
    value = float(value)
    if value == 0:
        return "0"
    sign = "-" if value < 0 else ""
    mantissa, _, exponent = repr(abs(value)).partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = whole + fraction
    point = len(whole) + int(exponent or 0)
    point -= len(digits) - len(digits.lstrip("0"))
    digits = digits.lstrip("0").rstrip("0")
    count = len(digits)
    if count <= point <= 21:
        return sign + digits + "0" * (point - count)
    if 0 < point <= 21:
        return sign + digits[:point] + "." + digits[point:]
    if -6 < point <= 0:
        return sign + "0." + "0" * -point + digits
    head = digits[0] + ("." + digits[1:] if count > 1 else "")
    return "%s%se%s%d" % (sign, head, "+" if point > 0 else "-", abs(point - 1))


def canonical(value):
    """Text of a value as RFC 8785 has it."""
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, (int, float)):
        return number_text(value)
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, list):
        return "[" + ",".join(canonical(each) for each in value) + "]"
    names = sorted(value, key=lambda name: name.encode("utf-16-be"))
    return "{" + ",".join(canonical(name) + ":" + canonical(value[name]) for name in names) + "}"


def sha256_of(value):
    return hashlib.sha256(canonical(value).encode("utf-8")).hexdigest()


def without(value, member):
    return {name: each for name, each in value.items() if name != member}


# --- Merkle tree (RFC 9162 2.1, the same as RFC 6962) -------------------------------------------------------------------
def leaf_hash(data):
    return hashlib.sha256(b"\0" + data).digest()


def node_hash(left, right):
    return hashlib.sha256(b"\1" + left + right).digest()


def merkle_root(leaves):
    if len(leaves) == 1:
        return leaves[0]
    half = 1
    while half * 2 < len(leaves):
        half *= 2
    return node_hash(merkle_root(leaves[:half]), merkle_root(leaves[half:]))


def leads_to(root, entry, index, size, path):
    """RFC 9162 2.1.3.2."""
    place, last, current = index, size - 1, leaf_hash(entry)
    for sibling in path:
        if last == 0:
            return False
        if place % 2 == 1 or place == last:
            current = node_hash(sibling, current)
            while place % 2 == 0 and place != 0:
                place, last = place >> 1, last >> 1
        else:
            current = node_hash(current, sibling)
        place, last = place >> 1, last >> 1
    return last == 0 and current == root


# --- the form -----------------------------------------------------------------------------------------------------------
class Fault(Exception):
    def __init__(self, reason, at, detail):
        super().__init__(detail)
        self.verdict = {"valid": False, "reason": reason, "at": at, "detail": detail}


HASH = re.compile(r"[0-9a-f]{64}")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
KEY = re.compile(r"[A-Za-z0-9+/]{43}=")
BASE64 = re.compile(r"[A-Za-z0-9+/]{1,1022}={0,2}")
INSTANT = re.compile(
    r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T([01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{3}Z", re.ASCII
)
LARGEST = 2**53 - 1


def text(pattern=None, longest=16384):
    return lambda value: isinstance(value, str) and len(value) <= longest and (not pattern or bool(pattern.fullmatch(value)))


def one_of(*allowed):
    return lambda value: any(value == each and type(value) is type(each) for each in allowed)


def whole(least):
    def holds(value):
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        return is_number and value == int(value) and least <= value <= LARGEST

    return holds


def or_null(holds):
    return lambda value: value is None or holds(value)


def list_of(holds, least, most):
    return lambda value: isinstance(value, list) and least <= len(value) <= most and all(holds(each) for each in value)


def is_object(value):
    return isinstance(value, dict)


def is_small_object(value):
    return is_object(value) and len(value) <= 64


BUNDLE = {
    "version": whole(1),
    "kind": one_of("audit-bundle"),
    "subscriber_id": text(NAME),
    "obp_id": text(NAME),
    "event_id": or_null(text(NAME)),
    "scope": one_of("order", "event"),
    "exported_at": text(INSTANT),
    "rules": lambda value: is_object(value) and len(value) <= 16 and all(text(longest=1024)(each) for each in value.values()),
    "keys": list_of(is_object, 0, 32),
    "checkpoints": list_of(is_small_object, 0, 5000),
    "records": list_of(is_object, 1, 20000),
    "unsealed": whole(0),
    "sha256": text(HASH),
}
BUNDLE_KEY = {
    "key_id": text(NAME),
    "alg": one_of("ed25519"),
    "public_key": text(KEY),
    "registry": or_null(is_object),
    "note": text(longest=1024),
}
REGISTRY = {"registry": text(re.compile(r"(?s).+"), 2048), "retrieved_at": text(INSTANT), "record": is_object}
REGISTRY_RECORD = {
    "subscriber_id": text(NAME),
    "key_id": text(NAME),
    "type": text(longest=64),
    "url": text(longest=2048),
    "signing_public_key": text(longest=1024),
    "valid_from": text(INSTANT),
    "valid_until": text(INSTANT),
    "status": text(longest=64),
}
ENTRY = {
    "record": is_small_object,
    "state": one_of("checkpointed", "not yet checkpointed"),
    "checkpoint": or_null(whole(1)),
    "path": list_of(text(), 0, 64),
}
RECORD = {"seq": whole(1), "prev_hash": text(HASH), "hash": text(HASH)}
CHECKPOINT = {
    "version": whole(1),
    "kind": one_of("audit-checkpoint"),
    "subscriber_id": text(NAME),
    "first_seq": whole(1),
    "last_seq": whole(1),
    "head_hash": text(HASH),
    "merkle_root": text(HASH),
    "record_hashes": list_of(text(HASH), 1, 1000),
    "previous_sha256": or_null(text(HASH)),
    "ts_utc": text(INSTANT),
    "signature": is_object,
}
SIGNATURE = {"key_id": text(NAME), "alg": one_of("ed25519"), "value": text(BASE64)}


def require(value, members, at, reason="form", where=None, others=False):
    """`where` is what a fault points to when not at the member itself."""
    for name in members:
        if name not in value:
            raise Fault(reason, where or "%s/%s" % (at, name), "%s is missing" % name)
        holds = members[name]
        if not holds(value[name]):
            raise Fault(reason, where or "%s/%s" % (at, name), "%s is not as the schema has it" % name)
    for name in value:
        if name not in members and not others:
            raise Fault(reason, where or "%s/%s" % (at, name), "%s is no member" % name)
    if members.get("version") and value["version"] != 1:
        raise Fault(reason, where or at + "/version", "version 1 is known here")


def no_duplicates(pairs):
    names = [name for name, _ in pairs]
    if len(set(names)) < len(names):
        raise ValueError("a member is there twice")
    return dict(pairs)


def refuse_constant(name):
    raise ValueError("%s is no JSON" % name)


def whole_number(digits):
    if abs(int(digits)) > LARGEST:
        raise ValueError("a whole number beyond 2^53 loses digits")
    return int(digits)


def read(data):
    try:
        value = json.loads(
            data.decode("utf-8"),
            object_pairs_hook=no_duplicates,
            parse_constant=refuse_constant,
            parse_int=whole_number,
        )
    except (ValueError, RecursionError) as error:
        raise Fault("form", "", "it is not strict JSON: %s" % error)
    if not is_object(value):
        raise Fault("form", "", "it is no JSON object")
    require(value, BUNDLE, "")
    for index, key in enumerate(value["keys"]):
        at = "/keys/%d" % index
        require(key, BUNDLE_KEY, at)
        if key["registry"] is not None:
            where = at + "/registry"
            require(key["registry"], REGISTRY, where, where=where)
            require(key["registry"]["record"], REGISTRY_RECORD, where, where=where)
    for index, entry in enumerate(value["records"]):
        require(entry, ENTRY, "/records/%d" % index)
        require(entry["record"], RECORD, "/records/%d/record" % index, others=True)
        for place, node in enumerate(entry["path"]):
            if not HASH.fullmatch(node):
                raise Fault("form", "/records/%d/path/%d" % (index, place), "it is no SHA-256")
    return value


# --- the check, in the order of docs/audit.md ---------------------------------------------------------------------------
def check_keys(bundle, named):
    seen = set()
    for index, key in enumerate(bundle["keys"]):
        at = "/keys/%d" % index
        if key["key_id"] in seen:
            raise Fault("key", at, "the key id is there twice")
        seen.add(key["key_id"])
        if named is not None and key["public_key"] != named:
            raise Fault("key", at, "it is not the key that was named")
        if key["registry"] is None:
            continue
        record = key["registry"]["record"]
        if record["subscriber_id"] != bundle["subscriber_id"] or record["key_id"] != key["key_id"]:
            raise Fault("key", at, "the registry's entry is of another subscriber or key")
        if record["signing_public_key"] != key["public_key"]:
            raise Fault("key", at, "the registry has another key under this id")


def check_checkpoints(bundle):
    keys = {key["key_id"]: key for key in bundle["keys"]}
    before = None
    for index, checkpoint in enumerate(bundle["checkpoints"]):
        at = "/checkpoints/%d" % index

        def no(detail):
            raise Fault("checkpoint", at, detail)

        require(checkpoint, CHECKPOINT, at, "checkpoint", at)
        signature = checkpoint["signature"]
        require(signature, SIGNATURE, at, "checkpoint", at)
        first, last, hashes = checkpoint["first_seq"], checkpoint["last_seq"], checkpoint["record_hashes"]
        if checkpoint["subscriber_id"] != bundle["subscriber_id"]:
            no("it is of another subscriber")
        if last - first + 1 != len(hashes) or hashes[-1] != checkpoint["head_hash"]:
            no("it does not list the records that it says it is of")
        if merkle_root([leaf_hash(bytes.fromhex(each)) for each in hashes]).hex() != checkpoint["merkle_root"]:
            no("its Merkle root is not that of its records")
        key = keys.get(signature["key_id"])
        if key is None:
            no("its key is not in the bundle")
        padded = signature["value"].rstrip("=")
        value = base64.b64decode(padded + "=" * (-len(padded) % 4))
        message = canonical(without(checkpoint, "signature")).encode("utf-8")
        if not ed25519_holds(base64.b64decode(key["public_key"]), message, value):
            no("its signature does not hold")
        if before is not None and first <= before["last_seq"]:
            no("it does not come after the one before it")
        if before is not None and first == before["last_seq"] + 1:
            if checkpoint["previous_sha256"] != sha256_of(before):
                no("it follows another checkpoint than the one before it")
        if (first == 1) != (checkpoint["previous_sha256"] is None):
            no("the first checkpoint, and no other, follows none")
        if key["registry"] is not None:
            record = key["registry"]["record"]
            if not record["valid_from"] <= checkpoint["ts_utc"] < record["valid_until"]:
                no("its key was not in force when it was signed")
        before = checkpoint


def belongs(bundle, record):
    if record.get("obp_id") == bundle["obp_id"]:
        return True
    if bundle["event_id"] is None or record.get("event_id") != bundle["event_id"]:
        return False
    return bundle["scope"] == "event" or "obp_id" not in record


def check_records(bundle):
    checkpoints = {checkpoint["last_seq"]: checkpoint for checkpoint in bundle["checkpoints"]}
    end = max(checkpoints, default=0)
    seq, head = 0, "0" * 64
    for index, entry in enumerate(bundle["records"]):
        at = "/records/%d" % index
        record, path = entry["record"], entry["path"]
        if record["seq"] <= seq:
            raise Fault("record", at, "it does not come after the record before it")
        if sha256_of(without(record, "hash")) != record["hash"]:
            raise Fault("record", at, "record %d has another hash than it claims" % record["seq"])
        if record["seq"] == seq + 1 and record["prev_hash"] != head:
            raise Fault("record", at, "record %d does not follow the one before it" % record["seq"])
        if not belongs(bundle, record):
            raise Fault("subject", at, "record %d is of another order and event" % record["seq"])
        seq, head = record["seq"], record["hash"]
        if entry["state"] == "not yet checkpointed":
            if entry["checkpoint"] is not None or path or seq <= end:
                raise Fault("proof", at, "record %d is said to be in no checkpoint" % seq)
            continue
        checkpoint = checkpoints.get(entry["checkpoint"])
        if checkpoint is None or not checkpoint["first_seq"] <= seq <= checkpoint["last_seq"]:
            raise Fault("proof", at, "the checkpoint of record %d is not in the bundle" % seq)
        size = len(checkpoint["record_hashes"])
        root = bytes.fromhex(checkpoint["merkle_root"])
        nodes = [bytes.fromhex(each) for each in path]
        if not leads_to(root, bytes.fromhex(head), int(seq - checkpoint["first_seq"]), size, nodes):
            raise Fault("proof", at, "the path of record %d does not lead to the Merkle root" % seq)


def check(data, named=None):
    """The verdict on the bytes of a bundle; `named` is a public key (32 bytes, base64) from elsewhere, or None."""
    try:
        bundle = read(data)
        check_keys(bundle, named)
        check_checkpoints(bundle)
        check_records(bundle)
        if sha256_of(without(bundle, "sha256")) != bundle["sha256"]:
            raise Fault("digest", "/sha256", "the file has another digest than it claims")
    except Fault as fault:
        return fault.verdict
    states = [entry["state"] for entry in bundle["records"]]
    return {
        "valid": True,
        "records": len(states),
        "checkpointed": states.count("checkpointed"),
        "notYetCheckpointed": states.count("not yet checkpointed"),
        "checkpoints": len(bundle["checkpoints"]),
    }


def main(arguments):
    named = None
    if len(arguments) == 3 and arguments[1] == "--public-key":
        named = arguments[2]
        arguments = arguments[:1]
    if len(arguments) != 1 or arguments[0].startswith("-"):
        sys.stderr.write(__doc__)
        return 2
    try:
        with open(arguments[0], "rb") as file:
            data = file.read()
    except OSError as error:
        sys.stderr.write("%s\n" % error)
        return 2
    verdict = check(data, named)
    print(json.dumps(verdict))
    return 0 if verdict["valid"] else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
