import {count, duration, text, variable, written} from './setting-shapes.ts';

const MINUTE = 60_000;
const YEAR = 365 * 86_400_000;

/** Settings of the hub that teams share their memories by. */
export const HUB_SETTING_KINDS = {
  hub: {
    kind: 'text',
    ...written(
      'hub',
      'Where memories are shared: project (the hub that the daemon starts), off, or the address of another',
    ),
    pattern: /^(?:project|off|[a-z]+:\/\/\S{1,1000})$/i,
    range: 'that is project, off or an address',
    example: 'wss://hub.example:8080',
  },
  hubTenant: text('hub-tenant', 'With an address for hub: whose memory it is', 'acme'),
  hubTokenFile: text('hub-token-file', 'With an address for hub: the file with the token', '/etc/godel/hub-token'),
  hubCa: text('hub-ca', 'PEM file of who has signed the certificate of the hub', 'ca.pem'),
  hubCert: text('hub-cert', 'PEM file of the certificate that is shown to the hub', 'me.pem'),
  hubKey: text('hub-key', 'PEM file of its key', 'me.key'),
  hubEmbedder: {
    kind: 'text',
    ...written(
      'hub-embedder',
      "What the project's own hub compares meanings with: hashed, model (where it is installed), auto or endpoint",
    ),
    pattern: /^(?:hashed|model|auto|endpoint)$/,
    range: 'that is hashed, model, auto or endpoint',
    example: 'model',
  },
  hubEmbedderUrl: text('hub-embedder-url', 'With endpoint: its address', 'https://api.example.com/v1'),
  hubEmbedderModel: text('hub-embedder-model', 'With endpoint: which of its models', 'text-embedding-3-small'),
  hubEmbedderKeyEnv: variable('hub-embedder-key-env', 'With endpoint: its key, in this variable', 'GODEL_EMBEDDER_KEY'),
  hubEmbedderDimensions: {
    ...count('hub-embedder-dimensions', 1, 65_536, 'With endpoint: of its vectors; auto: it is asked'),
    auto: true,
  },
  hubQuorum: count('hub-quorum', 0, 100, 'Other agents that must bear a memory out before the project recalls it'),
  hubKeepMs: {
    ...duration('hub-keep', MINUTE, 100 * YEAR, "How long the project's own hub keeps memories; auto: for ever"),
    auto: true,
  },
  hubMasterKeyFile: text(
    'hub-master-key-file',
    "Seals the project's own hub: the file with its key (32 bytes, base64)",
    '/etc/godel/hub.key',
  ),
  hubMasterKeyEnv: variable('hub-master-key-env', 'The same, in this variable', 'GODEL_HUB_MASTER_KEY'),
  hubMasterKeyCommand: text('hub-master-key-command', 'The same, printed by this program', 'pass show godel-hub'),
} as const;
