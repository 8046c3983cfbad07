import {text, variable, written} from './setting-shapes.ts';

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
      "What the project's own hub compares meanings with: hashed, model (where it is installed) or auto",
    ),
    pattern: /^(?:hashed|model|auto)$/,
    range: 'that is hashed, model or auto',
    example: 'model',
  },
  hubMasterKeyFile: text(
    'hub-master-key-file',
    "Seals the project's own hub: the file with its key (32 bytes, base64)",
    '/etc/godel/hub.key',
  ),
  hubMasterKeyEnv: variable('hub-master-key-env', 'The same, in this variable', 'GODEL_HUB_MASTER_KEY'),
  hubMasterKeyCommand: text('hub-master-key-command', 'The same, printed by this program', 'pass show godel-hub'),
} as const;
