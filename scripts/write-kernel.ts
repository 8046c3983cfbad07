import {readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {kernelModule} from './kernel-module.ts';

const FOLDER = join(import.meta.dirname, '..', 'src', 'hub', 'recall');

/** Turns src/hub/recall/kernel.wat into kernel-bytes.ts, which is what is loaded. */
const text = readFileSync(join(FOLDER, 'kernel.wat'), 'utf8');
writeFileSync(join(FOLDER, 'kernel-bytes.ts'), await kernelModule(text));
