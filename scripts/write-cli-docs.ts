import {writeFileSync} from 'node:fs';
import {cliDocs} from './cli-docs.ts';

writeFileSync('docs/cli.md', cliDocs());
