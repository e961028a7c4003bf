// One record of a bundle of attestd, followed from the raw frame to the label: written from docs/formats/bundle.md,
// batch.md, specification.md and label.md. Arithmetic is of whole numbers and fractions of them; nothing is a float.
import { createPublicKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Sign1 } from '@auth0/cose';
import { addExtension } from 'cbor-x';
import { decoder, judgeLabel, leafHash, need, rootOf, rootOfAll, sha256, verified } from './shared.mjs';

// --- fractions: { n, d } with d above 0 ---

const ten = (power) => (power >= 0 ? { n: 10n ** BigInt(power), d: 1n } : { n: 1n, d: 10n ** BigInt(-power) });
const times = (a, b) => ({ n: a.n * b.n, d: a.d * b.d });
const plus = (a, b) => ({ n: a.n * b.d + b.n * a.d, d: a.d * b.d });
const minus = (a, b) => plus(a, { n: -b.n, d: b.d });
const over = (a, b) => (b.n > 0n ? { n: a.n * b.d, d: a.d * b.n } : { n: -a.n * b.d, d: a.d * -b.n });
const less = (a, b) => a.n * b.d < b.n * a.d;
const same = (a, b) => a.n * b.d === b.n * a.d;

// RFC 8949 section 3.4.4, which the library would make a float of
class Decimal {
    constructor(exponent, mantissa) { Object.assign(this, times({ n: BigInt(mantissa), d: 1n }, ten(Number(exponent)))); }
}
addExtension({
    Class: Decimal, tag: 4,
    decode: ([exponent, mantissa]) => new Decimal(exponent, mantissa),
    encode: () => { throw new Error('digests are of the bytes that came'); },
});

function round(a, rule) {
    const down = a.n >= 0n ? a.n / a.d : -((-a.n + a.d - 1n) / a.d);
    const rest = minus(a, { n: down, d: 1n }); // 0 <= rest < 1
    if (rest.n === 0n) return down;
    const middle = rest.n * 2n - rest.d;
    switch (rule) {
    case 0: return middle > 0n || (middle === 0n && down % 2n !== 0n) ? down + 1n : down;
    case 1: return middle > 0n || (middle === 0n && down >= 0n) ? down + 1n : down;
    case 2: return down;
    case 3: return down + 1n;
    case 4: return down >= 0n ? down : down + 1n;
    default: throw new Error(`no rounding ${rule}`);
    }
}

// --- the raw number in a frame ---

const DECIMAL = /^(-?)(0|[1-9][0-9]*)(?:\.([0-9]+))?(?:[eE]([+-]?[0-9]+))?$/;

function numberOf(text) {
    const m = DECIMAL.exec(text);
    need(m, `no decimal number: ${text}`);
    const [, sign, whole, part = '', power = '0'] = m;
    return times({ n: BigInt(sign + whole + part), d: 1n }, ten(Number(power) - part.length));
}

function textNumber(frame, field) {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(frame).replace(/\n$/, '');
    if (field === '') return numberOf(text);
    need(JSON.parse(text) !== null, 'no JSON');
    const m = new RegExp(`"${field.replace(/[.]/g, '\\.')}"\\s*:\\s*(-?[0-9][0-9.eE+-]*)`).exec(text);
    need(m, `no number ${field}`);
    return numberOf(m[1]);
}

// IEEE 754 binary32 to so many decimals, half to even
function floatNumber(bits, decimals) {
    const exponent = (bits >>> 23) & 255, fraction = BigInt(bits & 0x7fffff);
    need(exponent !== 255, 'not a number');
    const power = BigInt(exponent === 0 ? -149 : exponent - 150);
    const size = exponent === 0 ? fraction : fraction + 0x800000n;
    const exact = power >= 0n ? { n: size << power, d: 1n } : { n: size, d: 1n << -power };
    const steps = round(times(exact, ten(decimals)), 0);
    return times({ n: bits >>> 31 ? -steps : steps, d: 1n }, ten(-decimals));
}

function bcdNumber(bits) {
    const digits = bits.toString(16);
    need(/^[0-9]+$/.test(digits), 'not of decimal digits');
    return BigInt(digits);
}

const TYPES = ['bool', 'uint16', 'int16', 'uint32', 'int32', 'float32', 'bcd16', 'bcd32', 'text'];
const TWO = ['uint32', 'int32', 'float32', 'bcd32'];

function registerNumber(data, type, littleBytes, littleWords, decimals) {
    const register = (i) => (littleBytes ? data.readUInt16LE(2 * i) : data.readUInt16BE(2 * i));
    const pair = littleWords ? [1, 0] : [0, 1];
    const bits = TWO.includes(type) ? register(pair[0]) * 65536 + register(pair[1]) : register(0);
    const whole = (n) => ({ n: BigInt(n), d: 1n });
    switch (type) {
    case 'bool': return whole(bits & 1);
    case 'int16': return whole(bits >= 0x8000 ? bits - 0x10000 : bits);
    case 'int32': return whole(bits | 0);
    case 'float32': return floatNumber(bits, decimals);
    case 'bcd16': case 'bcd32': return whole(bcdNumber(bits));
    default: return whole(bits);
    }
}

function rawOf(frame, channel) {
    const [bus, , , fn, , count] = channel.get(3);
    const [type, littleBytes, littleWords, decimals, field] = channel.get(4);
    if (bus !== 0) return textNumber(frame, field);
    const bytes = fn <= 2 ? (count + 7) >> 3 : 2 * count;
    need(frame[0] === fn && frame[1] === bytes && frame.length === 2 + bytes, 'another answer than was asked for');
    const data = Buffer.from(frame.subarray(2));
    return fn <= 2 ? { n: BigInt(data[0] & 1), d: 1n } : registerNumber(data, TYPES[type], littleBytes, littleWords, decimals);
}

// --- the value that it means ---

function onTable(points, raw) {
    let i = 0;
    while (i + 2 < points.length && !less(raw, points[i + 1][0])) i++;
    const [[x0, y0], [x1, y1]] = [points[i], points[i + 1]];
    return plus(y0, over(times(minus(raw, x0), minus(y1, y0)), minus(x1, x0)));
}

function valueOf(frame, channel) {
    need(channel.get(13) === undefined, 'a filtered value needs the records before it');
    const raw = rawOf(frame, channel);
    const [least, most] = channel.get(5);
    const [, , , isTable, numbers] = channel.get(7);
    for (const [from, to, means] of channel.get(6) ?? []) {
        if (!less(raw, from) && !less(to, raw)) return { none: `a fault: ${means}` };
    }
    if (less(raw, least) || less(most, raw)) return { none: 'outside of the raw range' };
    const exact = isTable ? onTable(numbers, raw)
        : numbers.reduceRight((sum, c) => plus(times(sum, raw), c), { n: 0n, d: 1n });
    const resolution = channel.get(9);
    return times({ n: round(over(exact, resolution), channel.get(10)), d: 1n }, resolution);
}

function print(a) {
    let decimals = 0;
    while ((a.n * 10n ** BigInt(decimals)) % a.d !== 0n) decimals++;
    const all = String((a.n < 0n ? -a.n : a.n) * 10n ** BigInt(decimals) / a.d).padStart(decimals + 1, '0');
    return (a.n < 0n ? '-' : '') + (decimals ? `${all.slice(0, -decimals)}.${all.slice(-decimals)}` : all);
}

function checkValue(sample, channel) {
    const found = sample.get(5);
    need(sample.get(6) === channel.get(8), 'another unit than the specification says');
    const v = valueOf(sample.get(4), channel);
    if (v.none) {
        need(found === null, `the frame is ${v.none}, and the record has the value ${found && print(found)}`);
        return v.none;
    }
    need(found !== null && same(v, found), `the frame leads to ${print(v)}, and the record says ${found && print(found)}`);
    return `${print(v)} ${channel.get(8)}`;
}

// --- what is in a bundle ---

// The end of the CBOR item that begins at `at`: digests are of bytes, not of what a library would write.
export function endOf(bytes, at) {
    const major = bytes[at] >> 5, short = bytes[at] & 31;
    need(short < 28, 'not deterministic CBOR');
    const long = short < 24 ? 0 : 1 << (short - 24);
    let n = short < 24 ? short : Number(long === 8 ? bytes.readBigUInt64BE(at + 1) : bytes.readUIntBE(at + 1, long));
    let end = at + 1 + long;
    if (major === 2 || major === 3) return end + n;
    if (major < 2 || major === 7) return end;
    for (n = major === 5 ? 2 * n : major === 6 ? 1 : n; n > 0; n--) end = endOf(bytes, end);
    return end;
}

// The bytes of each channel in a specification: key 6 of its map.
function channelBytes(spec) {
    let at = 1;
    while (spec[at] !== 6) at = endOf(spec, endOf(spec, at));
    const count = decoder.decode(spec.subarray(at + 1, endOf(spec, at + 1))).length;
    const out = [];
    at += 2 + (count < 24 ? 0 : 1);
    for (let i = 0; i < count; i++) {
        out.push(spec.subarray(at, endOf(spec, at)));
        at = endOf(spec, at);
    }
    return out;
}

export function open(file, which) {
    const m = /^([0-9]+):([0-9]+)$/.exec(which);
    need(m, `expected BATCH:INDEX, found ${which}`);
    const bundle = decoder.decode(readFileSync(file));
    need(bundle.get(0) === 'tag:attestd.example,2026:bundle#1', 'no bundle');
    for (const bytes of bundle.get(6) ?? []) {
        const f = decoder.decode(bytes);
        need(f.get(0) === 'tag:attestd.example,2026:batch#1', 'no batch');
        const message = Sign1.decode(f.get(1));
        const statement = decoder.decode(message.payload);
        if (BigInt(statement.get(2)) === BigInt(m[1])) return { bundle, f, message, statement, ...recordOf(f, Number(m[2])) };
    }
    throw new Error(`no batch ${m[1]}`);
}

function recordOf(f, index) {
    const alone = (f.get(3) ?? []).find(([i]) => i === index);
    const bytes = alone ? alone[1] : f.get(2)?.[index];
    need(bytes !== undefined, `no record ${index}`);
    return { index, path: alone?.[2], bytes, sample: decoder.decode(bytes) };
}

// The channel of the record, in the specification that its batch names.
function channelOf({ bundle, statement, sample }) {
    const spec = bundle.get(5).find((s) => sha256(s).equals(statement.get(6)));
    need(spec, 'the specification of the batch is not in the bundle');
    const bytes = channelBytes(spec).find((c) => sha256(c).equals(sample.get(7)));
    need(bytes, 'the record is under another specification than its batch');
    const channel = decoder.decode(bytes);
    need(channel.get(1) === sample.get(1), 'the record is of another channel');
    return channel;
}

// --- judging ---

const DEVICE = 3, PRODUCT = -70102, MEASURED = -70103, TPM_TIME = -70105, CNF = 8;

// The label that the batch names: the newest, which must be in force now, or one before it.
async function labelOf({ bundle, statement }, caFile, vkeyFile) {
    const newest = await judgeLabel(bundle.get(1), caFile, vkeyFile);
    need(newest.claims.get(4) > Date.now() / 1000, 'the label has expired');
    if (newest.digest.equals(statement.get(7))) return newest;
    for (const bytes of bundle.get(7) ?? []) {
        const l = await judgeLabel(bytes, caFile, vkeyFile);
        if (!l.digest.equals(statement.get(7))) continue;
        need(l.claims.get(2) === newest.claims.get(2) && l.claims.get(1) === newest.claims.get(1),
            'the label of the batch is of another gateway or issuer');
        need(l.claims.get(6) <= newest.claims.get(6), 'the label of the batch is later than the newest');
        return l;
    }
    throw new Error('the batch names another label than those of the bundle');
}

function dataKey(claims) {
    const key = claims.get(CNF)?.get(1);
    need(key && key.get(1) === 2 && key.get(3) === -7 && key.get(-1) === 1, 'the label names no data key');
    const part = (k) => Buffer.from(key.get(k)).toString('base64url');
    return createPublicKey({ format: 'jwk', key: { kty: 'EC', crv: 'P-256', x: part(-2), y: part(-3) } });
}

async function checkSignature(f, message, claims) {
    const key = dataKey(claims);
    need(message.protectedHeaders.get(3) === 'application/vnd.attestd.batch+cbor', 'signed as something else');
    need(sha256(key.export({ type: 'spki', format: 'der' })).equals(message.protectedHeaders.get(4)),
        'the signer is not the data key of the label');
    await verified(f.get(1), key, -7, { externalAAD: Buffer.from('attestd data batch 1') });
}

function checkStatement(statement, claims) {
    const told = new Map(claims.get(MEASURED).get(4) ?? []);
    const quote = claims.get(TPM_TIME);
    const since = BigInt(statement.get(8)) - BigInt(quote.get(0));
    need(statement.get(1) === claims.get(PRODUCT).get(DEVICE), 'the batch is of another gateway');
    need([...told].some(([name, digest]) => !name.includes('/') && Buffer.from(digest).equals(statement.get(6))),
        'the label does not name the specification');
    need(since >= 0n && since <= BigInt(claims.get(4) - quote.get(1)) * 1000n, 'not signed while the label was in force');
}

function checkProof({ f, statement, index, path, bytes, sample }) {
    const root = path === undefined ? rootOfAll(f.get(2).map(leafHash)) : rootOf(index, statement.get(5), leafHash(bytes), path);
    need(root.equals(statement.get(4)), 'the record is not in the batch');
    need(path !== undefined || f.get(2).length === statement.get(5), 'the batch has another size');
    const [, first, last] = statement.get(10).find(([id]) => id === sample.get(1)) ?? [];
    need(first <= sample.get(2) && sample.get(2) <= last, 'the batch does not announce this number');
}

export async function record(file, which, caFile, vkeyFile) {
    const r = open(file, which);
    const label = await labelOf(r, caFile, vkeyFile);
    await checkSignature(r.f, r.message, label.claims);
    checkStatement(r.statement, label.claims);
    checkProof(r);
    return `${r.sample.get(1)} ${r.sample.get(2)} = ${checkValue(r.sample, channelOf(r))}`;
}

// Whatever is signed: does the value follow from the frame?
export function value(file, which) {
    const r = open(file, which);
    return `${r.sample.get(1)} ${r.sample.get(2)} = ${checkValue(r.sample, channelOf(r))}`;
}
