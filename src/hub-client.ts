/**
 * What agents connect to a hub with, and the tokens for it, as `godel/hub/client`: usable without the rest of godel. docs/hub-client.md
 * shows it. The hub itself is in hub.ts.
 */
export * from './hub/client/library.ts';
export {SecurityManager, type SecurityOptions, type TokenOptions} from './hub/security/security-manager.ts';
