// What the judges of this folder share: trees, chains of certificates, signatures, receipts. No line of attestd.
import { createHash, createPublicKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Sign1 } from '@auth0/cose';
import { Decoder, Encoder } from 'cbor-x';

const ENTRY = -70202; // docs/formats/log-entry.md: the entry that a receipt is of
const TREE_SIZE = -70203; // and the size of the tree that the log signed
const RECEIPTS = 394, VDS = 395, VDP = 396, CWT_CLAIMS = 15, PAYLOAD_HASH = 258;
export const X5CHAIN = 33;

export const decoder = new Decoder({ mapsAsObjects: false, useRecords: false });
const encoder = new Encoder({ mapsAsObjects: false, useRecords: false, tagUint8Array: false });

export function need(condition, what) {
    if (!condition) throw new Error(what);
}

export const sha256 = (...parts) => {
    const h = createHash('sha256');
    parts.forEach((p) => h.update(p));
    return h.digest();
};
export const leafHash = (entry) => sha256(Buffer.of(0), entry);
export const nodeHash = (left, right) => sha256(Buffer.of(1), left, right);

// RFC 9162 2.1.3.2
export function rootOf(index, size, leaf, path) {
    let fn = BigInt(index), sn = BigInt(size) - 1n, r = leaf;
    need(BigInt(index) < BigInt(size), 'the index is outside of the tree');
    for (const p of path) {
        need(sn !== 0n, 'the proof has too many nodes');
        if (fn % 2n === 1n || fn === sn) {
            r = nodeHash(p, r);
            while (fn % 2n === 0n && fn !== 0n) { fn >>= 1n; sn >>= 1n; }
        } else {
            r = nodeHash(r, p);
        }
        fn >>= 1n;
        sn >>= 1n;
    }
    need(sn === 0n, 'the proof has too few nodes');
    return r;
}

// RFC 9162 2.1.1
export function rootOfAll(leaves) {
    if (leaves.length === 0) return sha256();
    if (leaves.length === 1) return leaves[0];
    let k = 1;
    while (2 * k < leaves.length) k *= 2;
    return nodeHash(rootOfAll(leaves.slice(0, k)), rootOfAll(leaves.slice(k)));
}

// C2SP signed-note: NAME+ID+base64(type || key)
export function readVkey(text) {
    const m = /^([^+\s]+)\+([0-9a-f]{8})\+(\S+)$/.exec(text.trim());
    need(m, 'no verifier key');
    const bytes = Buffer.from(m[3], 'base64');
    need(bytes.length === 33, 'no Ed25519 verifier key');
    const id = sha256(m[1], Buffer.of(10), bytes).subarray(0, 4);
    need(id.toString('hex') === m[2], 'the verifier key has the id of another');
    const key = createPublicKey({
        format: 'jwk', key: { kty: 'OKP', crv: 'Ed25519', x: bytes.subarray(1).toString('base64url') },
    });
    return { name: m[1], id, type: bytes[0], key };
}

export function chainOf(message) {
    const value = message.protectedHeaders.get(X5CHAIN);
    need(value !== undefined, 'no certificates');
    return (Array.isArray(value) ? value : [value]).map((der) => new X509Certificate(der));
}

// The leaf's key, when each certificate is signed by the next and the last by the installed authority.
export function keyOf(chain, ca) {
    const all = [...chain.filter((c) => c.fingerprint256 !== ca.fingerprint256), ca];
    for (let i = 0; i + 1 < all.length; i++) {
        need(all[i].checkIssued(all[i + 1]) && all[i].verify(all[i + 1].publicKey),
            'the chain of certificates does not verify');
    }
    return chain[0].publicKey;
}

export async function verified(bytes, key, alg, options = {}) {
    const m = Sign1.decode(bytes);
    need(m.protectedHeaders.get(1) === alg, 'another algorithm in the protected header');
    await m.verify(key, options);
    return m;
}

// The message as it was when it was logged: nothing in the unprotected header.
export function bare(bytes) {
    const m = Sign1.decode(bytes);
    return Buffer.concat([Buffer.of(0xd2),
        encoder.encode([m.encodedProtectedHeaders, new Map(), m.payload, m.signature])]);
}

export async function checkReceipt(bytes, labelHash, labelKey, log) {
    const r = Sign1.decode(bytes);
    need(r.protectedHeaders.get(VDS) === 1, 'the receipt is of another kind of tree');
    const proofs = r.unprotectedHeaders.get(VDP).get(-1);
    const [size, index, path] = decoder.decode(proofs[0]);
    const entry = r.unprotectedHeaders.get(ENTRY);
    const root = rootOf(index, size, leafHash(entry), path);
    const claims = r.protectedHeaders.get(CWT_CLAIMS);
    need(claims.get(1) === log.name, 'the receipt is of another log');
    need(BigInt(claims.get(TREE_SIZE)) === BigInt(size), 'the log signed another size');
    await verified(bytes, log.key, -8, { detachedPayload: root });
    const e = await verified(entry, labelKey, -7);
    need(e.protectedHeaders.get(PAYLOAD_HASH) === -16, 'the entry hashes otherwise');
    need(Buffer.from(e.payload).equals(labelHash), 'the entry is of another label');
    return `entry ${index} of ${size}`;
}

// A label whose signer the installed authority vouches for, with a receipt of the log for it.
export async function judgeLabel(bytes, caFile, vkeyFile) {
    const message = Sign1.decode(bytes);
    const key = keyOf(chainOf(message), new X509Certificate(readFileSync(caFile)));
    const log = readVkey(readFileSync(vkeyFile, 'utf8'));
    await verified(bytes, key, -7);
    const receipts = message.unprotectedHeaders.get(RECEIPTS) ?? [];
    need(receipts.length > 0, 'no receipt');
    const digest = sha256(bare(bytes));
    const told = [];
    for (const r of receipts) told.push(await checkReceipt(r, digest, key, log));
    return { claims: decoder.decode(message.payload), digest, told };
}
