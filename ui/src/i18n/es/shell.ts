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
    tenants: 'Organizaciones',
  },
  tenant: 'Organización',
  tenantSearch: 'Buscar organizaciones',
  tenantDisabled: 'desactivada',
  noTenant: {
    title: 'Todavía no hay organizaciones',
    detail:
      'Los webhooks y los eventos pertenecen a una organización. Cree la primera aquí o con la API de administración.',
  },
  language: 'Idioma',
  scheme: { label: 'Apariencia', light: 'Clara', dark: 'Oscura', auto: 'Sistema' },
  settings: 'Idioma y apariencia',
  signOut: 'Cerrar sesión',
  signedInAs: { key: 'Clave de API', admin: 'Operador', portal: 'Enlace de portal' },
  sessionEnds: 'La sesión termina {{when}}',
  readOnly: 'Solo lectura',
};
