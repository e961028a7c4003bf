// flip.mjs BUNDLE BATCH:INDEX raw|value|proof|root|signature|key OUT: the bundle with one bit of that part changed.
import { readFileSync, writeFileSync } from 'node:fs';
import { Sign1 } from '@auth0/cose';
import { endOf, open } from './data.mjs';
import { bare, decoder, need, sha256 } from './shared.mjs';

// The last byte of what the map has for a key.
function lastOf(map, key) {
    let at = 1;
    while (map[at] !== key) at = endOf(map, endOf(map, at));
    return endOf(map, at + 1) - 1;
}

const [file, which, part, out] = process.argv.slice(2);
const r = open(file, which);
const bytes = readFileSync(file);
// the label that the batch names, and where the data key stands in it
const label = [r.bundle.get(1), ...(r.bundle.get(7) ?? [])].find((l) => sha256(bare(l)).equals(r.statement.get(7)));
const x = decoder.decode(Sign1.decode(label).payload).get(8).get(1).get(-2);
const parts = {
    raw: () => inFrame(r.sample.get(4)),
    value: () => [r.bytes, lastOf(r.bytes, 5), 0],
    proof: () => [r.path[0], 5, 3],
    root: () => [r.statement.get(4), 7, 6],
    signature: () => [r.message.signature, 40, 5],
    key: () => [label, label.indexOf(x) + 9, 1],
};
// a bit that no rounding hides: of the second byte of registers, of the last digit of a text
function inFrame(frame) {
    const last = lastOf(r.bytes, 4);
    const start = last + 1 - frame.length;
    return frame[0] < 5 ? [r.bytes, start + 3, 2] : [r.bytes, last - (frame.at(-1) === 0x7d ? 1 : 0), 0];
}
const [inside, at, bit] = parts[part]();
const start = bytes.indexOf(Buffer.from(inside));
need(start >= 0 && bytes.indexOf(Buffer.from(inside), start + 1) < 0, 'the part is not there once');
bytes[start + at] ^= 1 << bit;
writeFileSync(out, bytes);
