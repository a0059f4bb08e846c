import type { shell as english } from '../en/shell';
import type { Translated } from '../types';

export const shell: Translated<typeof english> = {
  product: 'Posthorn',
  skip: 'Saltar al contenido',
  navigation: 'Navegación principal',
  openNavigation: 'Abrir navegación',
  closeNavigation: 'Cerrar navegación',
  groups: { activity: 'Actividad', setup: 'Configuración', server: 'Servidor' },
  screens: {
    overview: 'Resumen',
    webhooks: 'Webhooks',
    deliveries: 'Entregas',
    events: 'Eventos',
    jobs: 'Tareas',
    eventTypes: 'Tipos de evento',
    apiKeys: 'Claves de API',
    auditLog: 'Registro de auditoría',
    settings: 'Ajustes',
    tenants: 'Inquilinos',
  },
  tenant: 'Inquilino',
  tenantSearch: 'Buscar inquilinos',
  tenantDisabled: 'desactivado',
  noTenant: {
    title: 'Todavía no hay inquilinos',
    detail: 'A un inquilino le pertenecen webhooks y eventos. Cree el primero aquí o con la API de administración.',
  },
  language: 'Idioma',
  scheme: { label: 'Apariencia', light: 'Clara', dark: 'Oscura', auto: 'Sistema' },
  settings: 'Idioma y apariencia',
  signOut: 'Cerrar sesión',
  signedInAs: { key: 'Clave de API', admin: 'Operador', portal: 'Enlace de portal' },
  sessionEnds: 'La sesión termina {{when}}',
  readOnly: 'Solo lectura',
};
