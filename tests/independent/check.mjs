// Labels, receipts, checkpoints, tiles, status lists and data of attestd, judged without one line of attestd: signatures by
// @auth0/cose and node's crypto, CBOR by cbor-x. Written from RFC 9052, 9162, 9942, 9995, the Token Status List and C2SP,
// and docs/formats for the two header labels that are attestd's own.
//
//   check.mjs label FILE CA.pem LOG.vkey          signature, chain, receipts and the entries in them
//   check.mjs checkpoint FILE VKEY...             the log's signature, and a cosignature for each further key
//   check.mjs tree URL CA.pem LOG.vkey            checkpoint, entries and tiles over HTTPS: all of the tree
//   check.mjs status TOKEN LABEL CA.pem           the status that the list gives the label: prints 0, 1 or 2
//   check.mjs record BUNDLE BATCH:INDEX CA.pem LOG.vkey   the record: label, data key, signature, proof, value, time
//   check.mjs value BUNDLE BATCH:INDEX            its value alone, whatever is signed
//
// Exit 0: all holds, with one line about it. Exit 1: it does not, with what. Exit 2: not called like this.
import { verify as verifySignature, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import https from 'node:https';
import { inflateSync } from 'node:zlib';
import { Sign1 } from '@auth0/cose';
import { record, value } from './data.mjs';
import {
    chainOf, decoder, judgeLabel, keyOf, leafHash, need, readVkey, rootOfAll, sha256, verified, X5CHAIN,
} from './shared.mjs';

const STATUS = 65535, STATUS_LIST = 65533;

// C2SP signed-note, tlog-checkpoint, tlog-cosignature: every key given must have signed.
function checkCheckpoint(bytes, keys) {
    const text = bytes.toString('utf8');
    const split = text.lastIndexOf('\n\n');
    need(split > 0, 'no signed note');
    const body = text.slice(0, split + 1);
    const lines = text.slice(split + 2).split('\n').slice(0, -1);
    for (const k of keys) {
        const found = lines.map((l) => /^\u2014 (\S+) (\S+)$/.exec(l)).filter((m) => m && m[1] === k.name)
            .map((m) => Buffer.from(m[2], 'base64')).filter((s) => s.subarray(0, 4).equals(k.id));
        need(found.length > 0, `${k.name} did not sign`);
        for (const s of found) {
            const signed = k.type === 1 ? body
                : `cosignature/v1\ntime ${s.readBigUInt64BE(4)}\n${body}`;
            need(verifySignature(null, Buffer.from(signed), k.key, s.subarray(k.type === 1 ? 4 : 12)),
                `the signature of ${k.name} is false`);
        }
    }
    const [origin, size, root] = body.split('\n');
    need(origin === keys[0].name, 'the checkpoint is of another log');
    return { size: Number(size), root: Buffer.from(root, 'base64') };
}

async function label(file, caFile, vkeyFile) {
    const l = await judgeLabel(readFileSync(file), caFile, vkeyFile);
    return `label of ${l.claims.get(2)}, ${l.told.join(', ')}`;
}

const get = (url, ca) => new Promise((resolve, reject) => {
    https.get(url, { ca, agent: false }, (res) => {
        const parts = [];
        res.on('data', (d) => parts.push(d));
        res.on('end', () => (res.statusCode === 200 ? resolve(Buffer.concat(parts))
            : reject(new Error(`${url}: ${res.statusCode}`))));
    }).on('error', reject);
});

// C2SP tlog-tiles: 1234067 is x001/x234/067
function tileName(n, width) {
    const groups = [String(n % 1000).padStart(3, '0')];
    for (let rest = Math.floor(n / 1000); rest > 0; rest = Math.floor(rest / 1000)) {
        groups.unshift(`x${String(rest % 1000).padStart(3, '0')}`);
    }
    return groups.join('/') + (width < 256 ? `.p/${width}` : '');
}

async function tiles(url, ca, level, count, each) {
    for (let n = 0; n * 256 < count; n++) {
        const width = Math.min(256, count - n * 256);
        await each(await get(`${url}/log/tile/${level}/${tileName(n, width)}`, ca), width);
    }
}

async function readEntries(url, ca, size) {
    const entries = [];
    await tiles(url, ca, 'entries', size, (bundle, width) => {
        let at = 0;
        for (let i = 0; i < width; i++) {
            const len = bundle.readUInt16BE(at);
            entries.push(bundle.subarray(at + 2, at + 2 + len));
            at += 2 + len;
        }
        need(at === bundle.length, 'a bundle of entries has more than its entries');
    });
    return entries;
}

async function tree(url, caFile, vkeyFile) {
    const ca = readFileSync(caFile);
    const log = readVkey(readFileSync(vkeyFile, 'utf8'));
    const head = checkCheckpoint(await get(`${url}/log/checkpoint`, ca), [log]);
    const entries = await readEntries(url, ca, head.size);
    const keys = new Map();
    for (const e of entries) {
        const m = Sign1.decode(e);
        const kid = Buffer.from(m.protectedHeaders.get(4)).toString('hex');
        if (m.protectedHeaders.get(X5CHAIN) !== undefined) keys.set(kid, chainOf(m)[0].publicKey);
        need(keys.has(kid), 'an entry whose key no earlier entry brought');
        need(sha256(keys.get(kid).export({ type: 'spki', format: 'der' })).toString('hex') === kid,
            'an entry names a key that is another');
        await verified(e, keys.get(kid), -7);
    }
    let level = entries.map(leafHash);
    need(rootOfAll(level).equals(head.root), 'the entries are not those of the checkpoint');
    for (let l = 0; level.length > 0; l++) {
        const hashes = [];
        await tiles(url, ca, l, level.length, (t) => {
            for (let i = 0; i < t.length; i += 32) hashes.push(t.subarray(i, i + 32));
        });
        need(Buffer.concat(hashes).equals(Buffer.concat(level)), `a tile of level ${l} has other hashes`);
        level = Array.from({ length: Math.floor(level.length / 256) },
            (_, i) => rootOfAll(level.slice(i * 256, i * 256 + 256)));
    }
    return `tree of ${head.size} entries, ${keys.size} keys`;
}

// Token Status List, CWT form; bits from the least significant
async function status(tokenFile, labelFile, caFile) {
    const ca = new X509Certificate(readFileSync(caFile));
    const bytes = readFileSync(tokenFile);
    const message = Sign1.decode(bytes);
    need(message.protectedHeaders.get(16) === 'application/statuslist+cwt', 'no status list token');
    await verified(bytes, keyOf(chainOf(message), ca), -7);
    const claims = decoder.decode(message.payload);
    const ref = decoder.decode(Sign1.decode(readFileSync(labelFile)).payload).get(STATUS).get('status_list');
    need(claims.get(2) === ref.get('uri'), 'the list is not the one that the label names');
    const list = claims.get(STATUS_LIST);
    const bits = list.get('bits');
    const values = inflateSync(list.get('lst'));
    const at = ref.get('idx') * bits;
    need(at >> 3 < values.length, 'the label is not in the list');
    return String((values[at >> 3] >> (at % 8)) & ((1 << bits) - 1));
}

const [command, ...args] = process.argv.slice(2);
const commands = {
    label: [3, () => label(...args)],
    checkpoint: [2, () => {
        const keys = args.slice(1).map((f) => readVkey(readFileSync(f, 'utf8')));
        return `checkpoint of ${checkCheckpoint(readFileSync(args[0]), keys).size} entries`;
    }],
    tree: [3, () => tree(...args)],
    status: [3, () => status(...args)],
    record: [4, () => record(...args)],
    value: [2, () => value(...args)],
};
if (!commands[command] || args.length < commands[command][0]) {
    console.error('usage: check.mjs label|checkpoint|tree|status|record|value ...');
    process.exit(2);
}
try {
    console.log(await commands[command][1]());
} catch (e) {
    console.error(`check.mjs: ${e.message}`);
    process.exit(1);
}
