import type { settings as english } from '../en/settings';
import type { Translated } from '../types';

export const settings: Translated<typeof english> = {
  title: 'Ajustes',
  lead: 'Lo que vale para toda la organización.',
  name: 'Nombre',
  nameHint: 'Para las personas, hasta 200 caracteres',
  strict: 'Tipos de evento estrictos',
  strictHint:
    'Se rechazan los eventos de tipos que no están en el catálogo. Revise los tipos de evento antes de activarlo.',
  strictOn: 'Activado: se rechazan los tipos desconocidos',
  strictOff: 'Desactivado: se puede publicar cualquier tipo',
  maxInFlight: 'Entregas en curso a la vez',
  maxInFlightHint:
    'En cada despachador, todos los webhooks juntos; vacío: la parte que da el servidor. Solo lo cambian los operadores.',
  maxInFlightOperator: 'En cada despachador, todos los webhooks juntos; vacío: la parte que da el servidor.',
  share: 'La parte que da el servidor',
  id: 'Id de la organización',
  idHint: 'Para publicar en SQL y para los operadores',
  created: 'Creada',
  saved: 'Los ajustes están guardados.',
  readOnly: 'Su sesión no puede cambiarlos.',
};
