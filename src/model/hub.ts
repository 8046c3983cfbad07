/** Who may do what at the hub, and what it says of those who are there. */

export const HUB_ROLES = ['worker', 'reader', 'coordinator', 'admin'] as const;
export type HubRole = (typeof HUB_ROLES)[number];

/** Who somebody is, as a verified token (or client certificate) says; nothing a message says changes it. */
export interface HubIdentity {
  readonly agentId: string;
  readonly tenantId: string;
  readonly role: HubRole;
  /** Of the token, for revoking and for the audit log. */
  readonly tokenId: string;
  /** Wall time, Unix epoch in milliseconds. */
  readonly expiresAtMs: number;
}

/** What the agents of a tenant are not to recall, but for what is their own. */
export interface RecallRule {
  /** As many agents other than its own must have confirmed an episode. */
  readonly quorum: number;
  /** What others tried of these did not hold; at most 1000 of them. */
  readonly distrusted: readonly string[];
}

export const PRIORITIES = ['low', 'normal', 'high', 'urgent'] as const;
export type Priority = (typeof PRIORITIES)[number];

/** What an agent says of itself. */
export interface PresenceNote {
  readonly status: string;
  readonly doing: string | null;
  readonly skills: readonly string[];
}

export interface ActiveAgent extends PresenceNote {
  readonly agentId: string;
  readonly role: HubRole;
  /** Unix epoch, milliseconds. */
  readonly sinceMs: number;
}

export const MESSAGE_KINDS = [
  'message',
  'task_assignment',
  'task_complete',
  'request_help',
  'share_knowledge',
  'status_update',
] as const;
export type MessageKind = (typeof MESSAGE_KINDS)[number];

export interface HubMessage {
  /** Made by the sender; unique in its tenant. */
  readonly id: string;
  readonly from: string;
  /** An agent; null: everybody in the tenant, or those who follow `topic`. */
  readonly to: string | null;
  readonly topic: string | null;
  /** Of a message to everybody: it is for those who have all of these; without it, for all. */
  readonly skills?: readonly string[];
  readonly kind: MessageKind;
  readonly body: unknown;
  readonly priority: Priority;
  /** Of the message it answers. */
  readonly correlationId: string | null;
  /** Unix epoch, milliseconds, at the hub. */
  readonly sentAtMs: number;
}
