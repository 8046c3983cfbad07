#!/usr/bin/env node
// The agent itself needs the SDK, which is found from where that file lies.
if (process.argv.includes('--version')) process.exit(2);
await import(process.env.GODEL_FAKE_AGENT);
