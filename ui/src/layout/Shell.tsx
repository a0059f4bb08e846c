// The frame around every screen: navigation at the side, behind a button on narrow screens.
import { AppShell, Burger, Button, Group, Stack } from '@mantine/core';
import { useDisclosure, useMediaQuery } from '@mantine/hooks';
import { IconBuilding } from '@tabler/icons-react';
import { Link, Outlet, useLocation } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { CodeBlock } from '../parts/CodeBlock';
import { EmptyState } from '../parts/EmptyState';
import { useSession } from '../session/useSession';
import classes from './layout.module.css';
import { Navigation } from './Navigation';
import { TenantSwitcher } from './TenantSwitcher';
import { UserMenu } from './UserMenu';
import { Wordmark } from './Wordmark';

const CREATE_TENANT = `curl -X POST "$POSTHORN_URL/api/v1/admin/tenants" \\
  -H "Authorization: Bearer $POSTHORN_ADMIN_TOKEN" \\
  -H "Content-Type: application/json" -d '{"name": "Acme"}'`;

export function Shell() {
  const { t } = useTranslation();
  const { tenant } = useSession();
  const isTenants = useLocation({ select: ({ pathname }) => pathname === '/tenants' });
  const [isOpen, { toggle, close }] = useDisclosure();
  const isNarrow = useMediaQuery('(max-width: 48em)', window.innerWidth <= 768, { getInitialValueInEffect: false });
  return (
    <>
      {/* a button, because the fragment of the address is the router's */}
      <button type="button" className={classes.skip} onClick={() => document.getElementById('content')?.focus()}>
        {t('shell.skip')}
      </button>
      <AppShell
        header={{ height: { base: 54, sm: 0 } }}
        navbar={{ width: 244, breakpoint: 'sm', collapsed: { mobile: !isOpen } }}
        padding={0}
      >
        <AppShell.Header className={classes.top} hiddenFrom="sm">
          <Group h="100%" px="md" gap="sm">
            <Burger
              opened={isOpen}
              onClick={toggle}
              size="sm"
              aria-expanded={isOpen}
              aria-label={t(isOpen ? 'shell.closeNavigation' : 'shell.openNavigation')}
            />
            <Link to="/" className={classes.brand} onClick={close}>
              <Wordmark />
            </Link>
          </Group>
        </AppShell.Header>
        {/* moved out of sight it must be out of the keyboard's way as well */}
        <AppShell.Navbar className={classes.navbar} p="sm" inert={isNarrow && !isOpen}>
          <AppShell.Section px={10} pt={6} pb="md" visibleFrom="sm">
            <Link to="/" className={classes.brand}>
              <Wordmark />
            </Link>
          </AppShell.Section>
          <AppShell.Section grow style={{ overflowY: 'auto' }}>
            <Stack gap="sm">
              <TenantSwitcher />
              <Navigation onNavigate={close} />
            </Stack>
          </AppShell.Section>
          <AppShell.Section pt="sm">
            <UserMenu />
          </AppShell.Section>
        </AppShell.Navbar>
        <AppShell.Main id="content" tabIndex={-1} style={{ outline: 'none' }}>
          {/* another tenant is another page: nothing of the one before stays in a form or a drawer */}
          <div className={classes.content} key={tenant?.id}>
            {tenant === null && !isTenants ? <NoTenant /> : <Outlet />}
          </div>
        </AppShell.Main>
      </AppShell>
    </>
  );
}

function NoTenant() {
  const { t } = useTranslation();
  return (
    <EmptyState
      isPage
      icon={IconBuilding}
      title={t('shell.noTenant.title')}
      detail={t('shell.noTenant.detail')}
      action={<Button renderRoot={(props) => <Link to="/tenants" {...props} />}>{t('tenants.create')}</Button>}
    >
      <CodeBlock label={t('common.code')} text={CREATE_TENANT} />
    </EmptyState>
  );
}
