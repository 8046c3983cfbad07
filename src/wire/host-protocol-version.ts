/** Protocol versions this program speaks. Apart from the messages, so that a host need not load their schemas. */
export const HOST_PROTOCOL = {min: 1, max: 2} as const;
