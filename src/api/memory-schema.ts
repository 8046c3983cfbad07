import {z} from 'zod';
import type {HubRequest} from './contract.ts';
import {hubShape} from './hub-shape.ts';
import {
  type ForgetRequest,
  MAX_FORGET_IDS,
  MAX_IMPORT_LINES,
  MAX_MEMORY_QUERY,
  MAX_SEARCH,
  type MemoryDraft,
  type MemoryExportQuery,
  type MemoryImport,
  type MemoryListQuery,
  type MemorySearch,
  type QuarantineRequest,
  type VoteRequest,
} from './memory-contract.ts';
import {parser} from './parser.ts';

const id = z.string().min(1).max(200);
const tag = z.string().min(1).max(100);
const tags = z.array(tag).max(50);
const text = z.string().max(256 * 1024);
const limit = z
  .string()
  .regex(/^\d{1,4}$/, 'expected a whole number')
  .transform(Number)
  .pipe(z.number().int().min(1).max(1000))
  .exactOptional();

const search: z.ZodType<MemorySearch> = z.object({
  query: z
    .string()
    .max(MAX_MEMORY_QUERY)
    .refine(query => query.trim() !== '', 'there is nothing to look for'),
  k: z.number().int().min(1).max(MAX_SEARCH).exactOptional(),
  tags: tags.exactOptional(),
  onlySuccess: z.boolean().exactOptional(),
  explain: z.boolean().exactOptional(),
  from: z.enum(['hub', 'cache']).exactOptional(),
});

const draft: z.ZodType<MemoryDraft> = z.strictObject({
  task: z
    .string()
    .max(64 * 1024)
    .refine(task => task.trim() !== '', 'a memory is of a task: say which'),
  input: text.exactOptional(),
  output: text.exactOptional(),
  critique: text.exactOptional(),
  reward: z.number().min(0).max(1),
  success: z.boolean().exactOptional(),
  tags: tags.exactOptional(),
});

const forget: z.ZodType<ForgetRequest> = z
  .strictObject({
    ids: z.array(id).min(1).max(MAX_FORGET_IDS).exactOptional(),
    beforeMs: z.number().int().min(0).max(Number.MAX_SAFE_INTEGER).exactOptional(),
    tag: tag.exactOptional(),
    dry: z.boolean().exactOptional(),
  })
  .refine(({ids, beforeMs, tag: tagged}) => ids !== undefined || beforeMs !== undefined || tagged !== undefined, {
    message: 'say what is to be forgotten: `ids`, `beforeMs` or `tag`',
  })
  .refine(({ids, beforeMs, tag: tagged}) => ids === undefined || (beforeMs === undefined && tagged === undefined), {
    message: '`ids` excludes `beforeMs` and `tag`',
  });

const vote: z.ZodType<VoteRequest> = z.strictObject({id, value: z.enum(['up', 'down'])});
const quarantine: z.ZodType<QuarantineRequest> = z.strictObject({agent: id, undo: z.boolean().exactOptional()});
const list: z.ZodType<MemoryListQuery> = z.object({prefix: z.string().max(200).exactOptional(), limit});
const exported: z.ZodType<MemoryExportQuery> = z.object({
  after: z
    .string()
    .regex(/^(local|cache|hub):\d{1,15}$/, 'expected `next` of the page before')
    .exactOptional(),
  limit,
});
const imported: z.ZodType<MemoryImport> = z.strictObject({
  lines: z.array(z.string()).max(MAX_IMPORT_LINES),
  dry: z.boolean().exactOptional(),
});

const hub = z
  .object({
    hub: hubShape.url,
    tenant: hubShape.tenant,
    hubTokenFile: hubShape.tokenFile,
  })
  .transform(
    ({hub: url, tenant, hubTokenFile: tokenFile}): HubRequest => ({
      ...(url !== undefined && {url}),
      ...(tenant !== undefined && {tenant}),
      ...(tokenFile !== undefined && {tokenFile}),
    }),
  );

/** Which hub is meant, in the query of any request. */
export const parseMemoryHub = parser(hub);
export const parseMemorySearch = parser(search);
export const parseMemoryDraft = parser(draft);
export const parseForgetRequest = parser(forget);
export const parseVoteRequest = parser(vote);
export const parseQuarantineRequest = parser(quarantine);
export const parseMemoryListQuery = parser(list);
export const parseMemoryExportQuery = parser(exported);
export const parseMemoryImport = parser(imported);
