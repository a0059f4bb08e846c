import type { auditLog as english } from '../en/auditLog';
import type { Translated } from '../types';

export const auditLog: Translated<typeof english> = {
  title: 'Registro de auditoría',
  lead: 'Quién cambió qué y cuándo.',
};
