export const auditLog = {
  title: 'Audit log',
  lead: 'Who changed what, and when.',
} as const;
