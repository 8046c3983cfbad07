import {resolve} from 'node:path';
import type {Settings} from '../config/settings.ts';

/** What the project's own hub is started with; see `src/hub/process/entry.ts`. Names of variables are in it, never what they hold. */
export function projectHubArguments(settings: Settings, folder: string): readonly string[] {
  const {hubEmbedder, hubEmbedderUrl, hubEmbedderModel, hubEmbedderKeyEnv, hubEmbedderDimensions} = settings;
  const {hubQuorum, hubKeepMs, hubMasterKeyFile, hubMasterKeyEnv, hubMasterKeyCommand} = settings;
  return [
    ...['--embedder', hubEmbedder],
    ...option('--embedder-url', hubEmbedderUrl),
    ...option('--embedder-model', hubEmbedderModel),
    ...option('--embedder-key-env', hubEmbedderKeyEnv),
    ...option('--embedder-dimensions', hubEmbedderDimensions),
    ...option('--quorum', hubQuorum),
    ...option('--keep-ms', hubKeepMs),
    ...option('--master-key-file', hubMasterKeyFile && resolve(folder, hubMasterKeyFile)),
    ...option('--master-key-env', hubMasterKeyEnv),
    ...option('--master-key-command', hubMasterKeyCommand),
  ];
}

function option(name: string, value: string | number | null): readonly string[] {
  return value === null ? [] : [`${name}=${value}`];
}

/** Variables whose values only the hub is to know. */
export function hubSecretNames({hubMasterKeyEnv, hubEmbedderKeyEnv}: Settings): readonly string[] {
  return [hubMasterKeyEnv, hubEmbedderKeyEnv].filter(name => name !== null);
}
