import type { signIn as english } from '../en/signIn';
import type { Translated } from '../types';

export const signIn: Translated<typeof english> = {
  title: 'Entrar en Posthorn',
  lead: 'Webhooks directamente desde Postgres',
  token: 'Clave de API o token de administración',
  tokenHint: 'Se guarda solo para esta pestaña del navegador.',
  submit: 'Entrar',
  show: 'Mostrar lo escrito',
  hide: 'Ocultar lo escrito',
  empty: 'Pegue primero una clave',
  wrong: 'Esta clave no se conoce',
  wrongDetail: 'Puede estar mal escrita, revocada o caducada. Una clave empieza por phk_ y no lleva espacios.',
  forbidden: 'Esta clave no puede leer',
  forbiddenDetail: 'La página necesita una clave con el permiso «read».',
  expired: 'Su sesión ha terminado. Entre de nuevo para continuar.',
  where: '¿Dónde consigo una clave?',
  whereDetail: 'Quien tiene acceso a la base de datos crea la primera:',
  whereMore:
    'Una clave solo con el permiso «read» puede mirar pero no cambiar. Los operadores pueden usar POSTHORN_ADMIN_TOKEN y ver todas las organizaciones.',
  whereDev: '«posthorn dev» muestra una clave cuando está listo.',
  checking: 'Entrando',
};
