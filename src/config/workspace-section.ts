import {parseSize} from '../base/size.ts';
import type {WorkspaceSettings} from '../model/agent-settings.ts';
import type {ConfigEntry, ConfigNodes, Placed} from './config-nodes.ts';

interface WorkspaceSection {
  readonly link: Placed<WorkspaceSettings['link']> | null;
  readonly quotaBytes: Placed<WorkspaceSettings['quotaBytes']> | null;
}

type Link = WorkspaceSettings['link'][number];

const KEYS = ['link', 'quota'] as const;
const LINK_KEYS = ['path', 'how'] as const;
const LINK_HINT = 'Give folders within the repository, for example `link: [node_modules]`.';
const QUOTA_HINT = 'Give a size, for example `quota: 10GiB`, or `none`.';

/** `link: [node_modules, {path: data, how: symlink}]` and `quota: 10GiB`. */
export function readWorkspace(nodes: ConfigNodes, section: ConfigEntry | undefined): WorkspaceSection {
  if (section === undefined) return {link: null, quotaBytes: null};
  const hint = 'Give `link` or `quota`, for example `workspace: {link: [node_modules]}`.';
  const {link, quota} = nodes.known(section.value ?? section.keyNode, {what: 'workspace', keys: KEYS, hint});
  return {link: link ? readLinks(nodes, link) : null, quotaBytes: quota ? readQuota(nodes, quota) : null};
}

function readLinks(nodes: ConfigNodes, {value, keyNode}: ConfigEntry): Placed<readonly Link[]> | null {
  const items = nodes.items(value ?? keyNode, 'workspace.link: a list', LINK_HINT);
  if (items === null) return null;
  return {value: items.flatMap(item => readLink(nodes, item) ?? []), place: nodes.placeOf(keyNode)};
}

function readLink(nodes: ConfigNodes, item: unknown): Link | null {
  if (nodes.isScalar(item)) return linkOf(nodes, item, 'copy');
  const {path, how} = nodes.known(item, {what: 'workspace.link', keys: LINK_KEYS, hint: LINK_HINT});
  const written = how === undefined ? 'copy' : nodes.valueOf(how.value);
  if (written === 'copy' || written === 'symlink') return linkOf(nodes, path?.value ?? item, written);
  nodes.report(
    how?.value ?? item,
    'workspace.link: how is not `copy` or `symlink`',
    'A copy is what is made by default.',
  );
  return null;
}

function linkOf(nodes: ConfigNodes, node: unknown, how: Link['how']): Link | null {
  const written = nodes.valueOf(node);
  const path = typeof written === 'string' ? written.replace(/\/+$/, '') : '';
  const parts = path.split('/');
  if (path !== '' && !parts.some(part => ['', '.', '..', '.git', '.godel'].includes(part))) return {path, how};
  nodes.report(node, 'workspace.link: a path below the top of the repository is expected', LINK_HINT);
  return null;
}

function readQuota(nodes: ConfigNodes, {value, keyNode}: ConfigEntry): Placed<number | null> | null {
  const written = nodes.valueOf(value);
  const place = nodes.placeOf(keyNode);
  if (written === 'none') return {value: null, place};
  const bytes = typeof written === 'string' || typeof written === 'number' ? parseSize(String(written)) : null;
  if (bytes !== null && bytes > 0) return {value: bytes, place};
  nodes.report(value ?? keyNode, `workspace.quota: ${JSON.stringify(written)} is not a size`, QUOTA_HINT);
  return null;
}
