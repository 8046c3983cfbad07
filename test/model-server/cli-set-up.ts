import {mkdirSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {PUBLISHED_PRICES} from './bill.ts';

export const CLIS = ['claude', 'codex', 'gemini', 'opencode', 'pi'] as const;
export type Cli = (typeof CLIS)[number];

export interface CliSetUp {
  /** What the CLI needs in its environment to ask the model server and nobody else. */
  readonly env: Readonly<Record<string, string>>;
  /** As it is given to `--model` of this CLI. */
  readonly model: string;
}

/** It goes to a server that never looks at it, but the CLIs ask for one. */
const KEY = 'sk-loopback-not-a-key';

/** Sets a CLI up for the model server at `url`; what it reads and keeps is in `folder`, never in the user's own. */
export function setUpFor(cli: Cli, url: string, folder: string): CliSetUp {
  const home = join(folder, cli);
  mkdirSync(home, {recursive: true});
  return SET_UPS[cli](url, home);
}

const SET_UPS = {
  claude: (url, home) => ({
    model: 'claude-haiku-4-5',
    env: {
      ANTHROPIC_BASE_URL: url,
      ANTHROPIC_API_KEY: KEY,
      CLAUDE_CONFIG_DIR: home,
      CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
      DISABLE_AUTOUPDATER: '1',
    },
  }),
  codex: (url, home) => {
    const config = [
      'model = "gpt-5-mini"',
      'model_provider = "loopback"',
      '[model_providers.loopback]',
      'name = "loopback"',
      `base_url = "${url}/v1"`,
      'wire_api = "responses"',
      'env_key = "OPENAI_API_KEY"',
    ];
    writeFileSync(join(home, 'config.toml'), `${config.join('\n')}\n`);
    return {model: 'gpt-5-mini', env: {CODEX_HOME: home, OPENAI_API_KEY: KEY}};
  },
  gemini: (url, home) => {
    const settings = {security: {auth: {selectedType: 'gemini-api-key'}}, privacy: {usageStatisticsEnabled: false}};
    mkdirSync(join(home, '.gemini'), {recursive: true});
    writeJson(join(home, '.gemini', 'settings.json'), settings);
    return {
      model: 'gemini-2.5-flash',
      env: {GEMINI_CLI_HOME: home, GEMINI_API_KEY: KEY, GOOGLE_GEMINI_BASE_URL: url},
    };
  },
  opencode: (url, home) => {
    const {input, output, cacheRead: cache_read} = priceOf('gpt-5-mini');
    const model = {name: 'loopback', cost: {input, output, cache_read}, limit: {context: 200_000, output: 8_000}};
    writeJson(join(home, 'opencode.json'), {
      autoupdate: false,
      share: 'disabled',
      provider: {
        loopback: {
          npm: '@ai-sdk/openai-compatible',
          name: 'loopback',
          options: {baseURL: `${url}/v1`, apiKey: KEY},
          models: {'gpt-5-mini': model},
        },
      },
    });
    return {
      model: 'loopback/gpt-5-mini',
      env: {
        OPENCODE_CONFIG: join(home, 'opencode.json'),
        OPENCODE_DISABLE_AUTOUPDATE: '1',
        OPENCODE_DISABLE_MODELS_FETCH: '1',
        XDG_DATA_HOME: join(home, 'data'),
        XDG_CONFIG_HOME: join(home, 'config'),
        XDG_CACHE_HOME: join(home, 'cache'),
        XDG_STATE_HOME: join(home, 'state'),
      },
    };
  },
  pi: (url, home) => {
    writeJson(join(home, 'models.json'), {
      providers: {
        loopback: {
          baseUrl: url,
          api: 'anthropic-messages',
          apiKey: 'LOOPBACK_API_KEY',
          models: [{id: 'claude-haiku-4-5', cost: priceOf('claude-haiku-4-5'), contextWindow: 200_000}],
        },
      },
    });
    return {model: 'loopback/claude-haiku-4-5', env: {PI_CODING_AGENT_DIR: home, LOOPBACK_API_KEY: KEY}};
  },
} as const satisfies Record<Cli, (url: string, home: string) => CliSetUp>;

function priceOf(model: string): {input: number; output: number; cacheRead: number; cacheWrite: number} {
  const price = PUBLISHED_PRICES[model];
  if (price === undefined) throw new Error(`no published price for ${model}`);
  return price;
}

function writeJson(file: string, value: unknown): void {
  writeFileSync(file, `${JSON.stringify(value, null, 2)}\n`);
}
