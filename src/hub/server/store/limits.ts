/** What one hub keeps at most. */
export interface HubStoreLimits {
  /** Of a tenant's episodes and changes as they are stored, in bytes; search and vectors are not counted. */
  readonly tenantBytes: number;
  /** Episodes of a tenant that are not forgotten. */
  readonly tenantEpisodes: number;
  readonly tenants: number;
  /** Of the whole database file; null: what the disk has. */
  readonly fileBytes: number | null;
  readonly auditRows: number;
  /** Rows of the audit log older than those that are no routine, such as keys, tokens, backups and what was forgotten. */
  readonly olderAuditRows: number;
  readonly pastSessions: number;
  readonly keysPerAgent: number;
  readonly revokedTokens: number;
  readonly documentsPerTenant: number;
  readonly documentBytes: number;
  readonly messagesPerAgent: number;
  readonly messageBytesPerAgent: number;
}

export const DEFAULT_LIMITS: HubStoreLimits = {
  tenantBytes: 4 * 2 ** 30,
  tenantEpisodes: 1_000_000,
  tenants: 10_000,
  fileBytes: null,
  auditRows: 100_000,
  olderAuditRows: 20_000,
  pastSessions: 50_000,
  keysPerAgent: 10,
  revokedTokens: 1_000_000,
  documentsPerTenant: 1000,
  documentBytes: 4 * 2 ** 20,
  messagesPerAgent: 1000,
  messageBytesPerAgent: 4 * 2 ** 20,
};
